"""Routes of one position's exits, and of detection: change when it is sold; let detection sleep, and go on."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field, JsonValue

from api.access.dependencies import operate, view
from api.access.middleware.request_id import request_id
from api.access.principal import Principal
from api.operator import held_positions, monitor_switches, position_exits
from api.operator.monitor_switches import MonitorState
from api.operator.position_exits import Wanted
from api.parts import Shared
from api.schemas import Answer
from api.writing.bodies import Body, PositionBody
from api.writing.refusals import CONFLICT, NOT_FOUND, refusals
from shared.control.controls import REASON_CHARACTERS_MAX
from shared.control.exit_policy import ExitPolicy

router = APIRouter(tags=["trading"])

Operator = Annotated[Principal, Depends(operate)]
RequestId = Annotated[str, Depends(request_id)]
PositionId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Reason = Annotated[str, Field(max_length=REASON_CHARACTERS_MAX, pattern=r"^[^\x00]*$", examples=["maintenance"])]


class PauseBody(Body):
    """Why detection is to sleep."""

    reason: Reason = ""


class ExitsAnswer(Answer):
    """When a position is sold."""

    own: dict[str, JsonValue]
    """Its own exits; every other follows the configuration."""
    effective: ExitPolicy


@router.patch("/positions/{position_id}", responses=NOT_FOUND | CONFLICT)
async def patch_position(
    parts: Shared, principal: Operator, request: RequestId, position_id: PositionId, body: PositionBody
) -> ExitsAnswer:
    """Give a position exits of its own, from the supervisor's next look on."""
    database = parts.runtime.database
    with refusals():
        position = await held_positions.numbered(database, position_id, sellable=False)
        wanted = Wanted(body.given("follow"), body.follow)
        exits = await position_exits.change(
            database, position, wanted, changed_by=principal.audit_name, request_id=request
        )
    return ExitsAnswer(own=exits.own.model_dump(mode="json", exclude_unset=True), effective=exits.effective)


@router.get("/monitor", dependencies=[Depends(view)])
async def get_monitor(parts: Shared) -> MonitorState:
    """Show whether detection sleeps, since when and by whom."""
    return await parts.summaries.monitor()


@router.post("/monitor/pause")
async def post_pause(parts: Shared, principal: Operator, request: RequestId, body: PauseBody) -> MonitorState:
    """Look for no listings until resumed; those of meanwhile are published late afterwards, and not bought."""
    return await monitor_switches.pause(
        parts.runtime.database, body.reason, changed_by=principal.audit_name, request_id=request
    )


@router.post("/monitor/resume")
async def post_monitor_resume(parts: Shared, principal: Operator, request: RequestId) -> MonitorState:
    """Look for listings again."""
    return await monitor_switches.resume(parts.runtime.database, changed_by=principal.audit_name, request_id=request)
