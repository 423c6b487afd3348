"""Routes of the configuration: change it with optimistic locking, and list its changes."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Response

from api.access.dependencies import operate, view
from api.access.middleware.request_id import request_id
from api.access.principal import Principal
from api.app_state import SharedState
from api.error_handlers import ApiError
from api.operator import config_tag, trade_config
from api.operator.config_history import HISTORY, ConfigHistory, page_of
from api.schemas import TradeConfig
from api.writing.bodies import ConfigBody
from api.writing.operator_errors import PRECONDITION, answer_operator_errors

router = APIRouter(tags=["configuration"])

SWITCHED_OFF: Final[Mapping[str, object]] = MappingProxyType({"auto_trade": False})


@router.put("/config", responses=PRECONDITION)
async def put_config(
    state: SharedState,
    response: Response,
    principal: Annotated[Principal, Depends(operate)],
    request: Annotated[str, Depends(request_id)],
    body: ConfigBody,
    if_match: Annotated[str | None, Header(description="ETag of the version that was read")] = None,
) -> TradeConfig:
    """Change the named fields, effective for the next purchase and for positions at their next check.

    Switching auto_trade on, or extending it, needs `"confirm": "live"` beside it. Only switching it off needs no
    version: a safe change is never refused as outdated.
    """
    with answer_operator_errors():
        config = await trade_config.change(
            state.runtime.database,
            body.given("confirm"),
            changed_by=principal.audit_name,
            request_id=request,
            confirmation=body.confirm,
            read_at=None if body.given("confirm") == SWITCHED_OFF else _version(if_match),
        )
    response.headers["ETag"] = config_tag.etag_of(config)
    return config


@router.get("/config/history", dependencies=[Depends(view)])
async def get_history(
    state: SharedState,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="`next` of the page before")] = None,
) -> ConfigHistory:
    """List changes with their authors, newest first."""
    return page_of(await state.reader.fetch(HISTORY, limit + 1, before), limit)


def _version(if_match: str | None) -> datetime:
    if if_match is None:
        message = "If-Match: must be the ETag of the configuration that the change was made of (GET /config)"
        raise ApiError(428, "precondition_required", message)
    # A tag that cannot be read names no version there was, so that the answer to it has the current one.
    return config_tag.updated_at_of(if_match) or config_tag.EPOCH
