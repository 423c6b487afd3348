"""Routes of the kill switch and of positions: halt, resume, sell, and write off."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.access.dependencies import operate
from api.access.middleware.request_id import request_id
from api.access.principal import Principal
from api.app_state import SharedState
from api.operator import close_requests, held_positions, trade_config, write_offs
from api.operator.operator_changes import REASON_CHARACTERS_MAX, kept_reason
from api.schemas import PositionRow, TradeConfig
from api.writing.halt_route import HaltRoute
from api.writing.operator_errors import CONFLICT, NOT_FOUND, answer_operator_errors

router = APIRouter(tags=["trading"])

Operator = Annotated[Principal, Depends(operate)]
Reason = Annotated[str, Field(max_length=REASON_CHARACTERS_MAX, pattern=r"^[^\x00]*$", examples=["listing looks odd"])]
StopReason = Annotated[
    str | None,
    BeforeValidator(lambda reason: kept_reason(reason) if isinstance(reason, str) else reason),
    Field(
        description=f"Cut to {REASON_CHARACTERS_MAX} characters; control characters are dropped",
        examples=["listing looks odd"],
    ),
]
RequestId = Annotated[str, Depends(request_id)]
PositionId = Annotated[int, Path(ge=1, le=2**63 - 1)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HaltWanted(_Body):
    """Extent and reason of a halt."""

    exits: bool = False
    """Whether to halt sales, too."""
    reason: StopReason = ""


class HaltAndCloseWanted(_Body):
    """Reason of a halt that sells everything."""

    reason: StopReason = ""


class WriteOffWanted(_Body):
    """Reason of a write-off."""

    reason: Annotated[Reason, Field(min_length=1)]


class PositionAsked(PositionRow):
    """An accepted request about the position, which is shown in its current state."""

    message: str
    """The consequence, for people."""


class SellingEverything(TradeConfig):
    """Purchases are halted, and everything is to be sold."""

    message: str
    """The consequence, for people."""


_HALT: Final = HaltWanted()
_HALT_AND_CLOSE: Final = HaltAndCloseWanted()


async def post_halt(
    state: SharedState, principal: Operator, request: RequestId, wanted: HaltWanted = _HALT
) -> TradeConfig:
    """Stop purchases, and with `exits` sales too, until `POST /resume`. The body may be left out."""
    return await trade_config.halt(
        state.runtime.database,
        wanted.reason or "",
        changed_by=principal.audit_name,
        request_id=request,
        exits=wanted.exits,
    )


async def post_halt_and_close(
    state: SharedState, principal: Operator, request: RequestId, wanted: HaltAndCloseWanted = _HALT_AND_CLOSE
) -> SellingEverything:
    """Stop purchases and sell every open position, atomically. Purchases in progress are sold, too.

    The body may be left out.
    """
    done = await trade_config.halt_and_sell(
        state.runtime.database, wanted.reason or "", changed_by=principal.audit_name, request_id=request
    )
    return SellingEverything(**dict(done.config), message=done.message())


router.add_api_route("/halt", post_halt, methods=["POST"], route_class_override=HaltRoute)
router.add_api_route("/halt-and-close", post_halt_and_close, methods=["POST"], route_class_override=HaltRoute)


@router.post("/resume")
async def post_resume(state: SharedState, principal: Operator, request: RequestId) -> TradeConfig:
    """Allow trading again, within the limits; also lift the executor's halts."""
    return await trade_config.resume(state.runtime.database, changed_by=principal.audit_name, request_id=request)


@router.post("/positions/{position_id}/close", status_code=202, responses=NOT_FOUND | CONFLICT)
async def post_close(
    state: SharedState, principal: Operator, request: RequestId, position_id: PositionId
) -> PositionAsked:
    """Request the sale of the position."""
    database = state.runtime.database
    with answer_operator_errors():
        held = await held_positions.by_id(database, position_id, sellable=True)
        hindered = await trade_config.sale_obstacles(database)
        await close_requests.request(database, [held], requested_by=principal.audit_name, request_id=request)
        asked = await held_positions.by_id(database, position_id, sellable=False)
    return _asked(asked, close_requests.request_message(held, hindered))


@router.post("/positions/{position_id}/write-off", status_code=202, responses=NOT_FOUND | CONFLICT)
async def post_write_off(
    state: SharedState, principal: Operator, request: RequestId, position_id: PositionId, wanted: WriteOffWanted
) -> PositionAsked:
    """Request the write-off of the position as lost; its cost no longer counts as exposure."""
    database = state.runtime.database
    with answer_operator_errors():
        held = await held_positions.by_id(database, position_id, sellable=False)
        await write_offs.request(
            database, [held], reason=wanted.reason, requested_by=principal.audit_name, request_id=request
        )
    return _asked(held, write_offs.request_message(held))


def _asked(position: PositionRow, message: str) -> PositionAsked:
    return PositionAsked(**dict(position), message=message)
