"""Routes of single positions' exits, and of detection: change exits; pause and resume detection."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field, JsonValue

from api.access.dependencies import operate, view
from api.access.middleware.request_id import request_id
from api.access.principal import Principal
from api.app_state import SharedState
from api.operator import held_positions, monitor_switches, position_exits
from api.operator.monitor_switches import MonitorState
from api.operator.position_exits import ExitChange
from api.schemas import Answer
from api.writing.bodies import Body, PositionBody
from api.writing.operator_errors import CONFLICT, NOT_FOUND, answer_operator_errors
from shared.control.controls import REASON_CHARACTERS_MAX
from shared.control.exit_policy import ExitPolicy

router = APIRouter(tags=["trading"])

Operator = Annotated[Principal, Depends(operate)]
RequestId = Annotated[str, Depends(request_id)]
PositionId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Reason = Annotated[str, Field(max_length=REASON_CHARACTERS_MAX, pattern=r"^[^\x00]*$", examples=["maintenance"])]


class PauseBody(Body):
    """Reason to pause detection."""

    reason: Reason = ""


class ExitsAnswer(Answer):
    """Exits of a position."""

    own: dict[str, JsonValue]
    """Its own exits; every other follows the configuration."""
    effective: ExitPolicy


@router.patch("/positions/{position_id}", responses=NOT_FOUND | CONFLICT)
async def patch_position(
    state: SharedState, principal: Operator, request: RequestId, position_id: PositionId, body: PositionBody
) -> ExitsAnswer:
    """Give a position exits of its own, from the supervisor's next check on."""
    database = state.runtime.database
    with answer_operator_errors():
        position = await held_positions.by_id(database, position_id, sellable=False)
        wanted = ExitChange(body.given("follow"), body.follow)
        exits = await position_exits.change(
            database, position, wanted, changed_by=principal.audit_name, request_id=request
        )
    return ExitsAnswer(own=exits.own.model_dump(mode="json", exclude_unset=True), effective=exits.effective)


@router.get("/monitor", dependencies=[Depends(view)])
async def get_monitor(state: SharedState) -> MonitorState:
    """Show whether detection is paused, with time and author of the last switch."""
    return await state.summaries.monitor()


@router.post("/monitor/pause")
async def post_pause(state: SharedState, principal: Operator, request: RequestId, body: PauseBody) -> MonitorState:
    """Pause detection until resumed; listings of meanwhile are published late afterwards.

    They are not bought, unless exchangeInfo shows that they opened within the last minute.
    """
    return await monitor_switches.pause(
        state.runtime.database, body.reason, changed_by=principal.audit_name, request_id=request
    )


@router.post("/monitor/resume")
async def post_monitor_resume(state: SharedState, principal: Operator, request: RequestId) -> MonitorState:
    """Resume detection."""
    return await monitor_switches.resume(state.runtime.database, changed_by=principal.audit_name, request_id=request)
