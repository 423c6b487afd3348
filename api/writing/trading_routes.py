"""Routes of the kill switch and of positions: halt, resume, sell, and give up as lost."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from api.access.dependencies import operate
from api.access.middleware.request_id import request_id
from api.access.principal import Principal
from api.operator import close_requests, held_positions, trade_config, write_offs
from api.operator.operator_changes import REASON_CHARACTERS_MAX
from api.parts import Shared
from api.schemas import PositionRow, TradeConfig
from api.writing.refusals import CONFLICT, NOT_FOUND, refusals

router = APIRouter(tags=["trading"])

Operator = Annotated[Principal, Depends(operate)]
Reason = Annotated[str, Field(max_length=REASON_CHARACTERS_MAX, pattern=r"^[^\x00]*$", examples=["listing looks odd"])]
RequestId = Annotated[str, Depends(request_id)]
PositionId = Annotated[int, Path(ge=1, le=2**63 - 1)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HaltWanted(_Body):
    """What is to stop, and why."""

    exits: bool = False
    """Whether nothing is sold either."""
    reason: Reason = ""


class HaltAndCloseWanted(_Body):
    """Why everything is sold."""

    reason: Reason = ""


class WriteOffWanted(_Body):
    """Why a position is given up."""

    reason: Annotated[Reason, Field(min_length=1)]


class PositionAsked(PositionRow):
    """The executor is asked to do something about the position, which is shown as it stands."""

    message: str
    """What becomes of it, for people."""


class SellingEverything(TradeConfig):
    """Purchases are halted, and everything is to be sold."""

    message: str
    """What becomes of it, for people."""


@router.post("/halt")
async def post_halt(parts: Shared, principal: Operator, request: RequestId, wanted: HaltWanted) -> TradeConfig:
    """Stop purchases, and sales too where `exits` says so, until `POST /resume`."""
    with refusals():
        return await trade_config.halt(
            parts.runtime.database,
            wanted.reason,
            changed_by=principal.audit_name,
            request_id=request,
            exits=wanted.exits,
        )


@router.post("/halt-and-close")
async def post_halt_and_close(
    parts: Shared, principal: Operator, request: RequestId, wanted: HaltAndCloseWanted
) -> SellingEverything:
    """Stop purchases and sell every open position: both, or neither. What is still bought is sold, too."""
    with refusals():
        done = await trade_config.halt_and_sell(
            parts.runtime.database, wanted.reason, changed_by=principal.audit_name, request_id=request
        )
    return SellingEverything(**dict(done.config), message=done.told())


@router.post("/resume")
async def post_resume(parts: Shared, principal: Operator, request: RequestId) -> TradeConfig:
    """Allow trading again, within the limits; lift what the executor has latched, too."""
    return await trade_config.resume(parts.runtime.database, changed_by=principal.audit_name, request_id=request)


@router.post("/positions/{position_id}/close", status_code=202, responses=NOT_FOUND | CONFLICT)
async def post_close(parts: Shared, principal: Operator, request: RequestId, position_id: PositionId) -> PositionAsked:
    """Ask the executor to sell what is held of the position."""
    database = parts.runtime.database
    with refusals():
        held = await held_positions.numbered(database, position_id, sellable=True)
        config = await trade_config.read(database)
        await close_requests.request(database, [held], requested_by=principal.audit_name, request_id=request)
        asked = await held_positions.numbered(database, position_id, sellable=False)
    return _asked(asked, close_requests.told(held, config))


@router.post("/positions/{position_id}/write-off", status_code=202, responses=NOT_FOUND | CONFLICT)
async def post_write_off(
    parts: Shared, principal: Operator, request: RequestId, position_id: PositionId, wanted: WriteOffWanted
) -> PositionAsked:
    """Ask the executor to book the position as lost; what it cost no longer counts as exposure."""
    database = parts.runtime.database
    with refusals():
        held = await held_positions.numbered(database, position_id, sellable=False)
        await write_offs.request(
            database, [held], reason=wanted.reason, requested_by=principal.audit_name, request_id=request
        )
    return _asked(held, write_offs.told(held))


def _asked(position: PositionRow, message: str) -> PositionAsked:
    return PositionAsked(**dict(position), message=message)
