"""Route that injects a test listing."""

from typing import Annotated, Any, Final
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Depends, Response

from api.access.dependencies import operate
from api.access.middleware.request_id import request_id
from api.access.principal import Principal
from api.app_state import SharedState
from api.error_handlers import ApiError
from api.operator import injection
from api.operator.injection import AlreadyRecordedError, BrokerAwayError, Injection
from api.schemas import Answer, Problem
from shared.control.config_store import Author
from shared.errors import PermanentError

router = APIRouter(tags=["operating"])
log = structlog.get_logger()

_ALREADY: Final[dict[int | str, dict[str, Any]]] = {409: {"model": Problem, "description": "Listing already recorded"}}


class Accepted(Answer):
    """An accepted test listing; it is bought on paper at most."""

    event_id: str
    listing_key: str
    symbol: str
    follow: str
    """Path of its story."""
    events: str = "/events"
    """Path of the stream that reports it as `listing`, and its outcome as `trade`."""


@router.post("/listings", status_code=202, responses=_ALREADY)
async def post_listing(
    state: SharedState,
    wanted: Injection,
    principal: Annotated[Principal, Depends(operate)],
    request: Annotated[str, Depends(request_id)],
    response: Response,
) -> Accepted:
    """Inject a test listing, which is handled like any other and never trades live."""
    try:
        author = Author(principal.audit_name, request)
        injected = await injection.inject(state.runtime.bus, state.runtime.database, wanted, author)
    except AlreadyRecordedError as error:
        raise ApiError(409, "already_recorded", str(error)) from None
    except BrokerAwayError:
        raise ApiError(503, "broker_away", "the broker is away, try again", headers={"Retry-After": "5"}) from None
    except PermanentError as error:
        fields: list[Any] = [{"field": "listed_at", "message": str(error)}]
        raise ApiError(422, "invalid", f"listed_at: {error}", details={"fields": fields}) from None
    log.info("a listing is injected", symbol=injected.symbol, by=principal.audit_name, event_id=injected.event_id)
    follow = f"/listings/{quote(injected.symbol)}"
    response.headers["Location"] = follow
    return Accepted(follow=follow, **injected._asdict())
