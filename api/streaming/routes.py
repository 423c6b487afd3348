"""Route of the event stream."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from api.access.dependencies import principal_of, view
from api.app_state import SharedState
from api.streaming.endpoint import MEDIA_TYPE, EventStream
from api.streaming.event_log import POSITION_MAX

router = APIRouter(dependencies=[Depends(view)], tags=["stream"])

_EXAMPLE: Final = (
    'id: 41\nevent: hello\ndata: {"position":41}\n\n'
    'id: 42\nevent: listing\ndata: {"id":7,"symbol":"ABCUSDT","source":"mexc_websocket"}\n\n'
    'event: heartbeat\ndata: {"now":"2026-03-02T12:00:00Z","position":42,"database":true}\n\n'
)
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Server-sent events, without an end",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


@router.get("/events", response_class=Response, responses=_STREAM)
async def get_events(
    state: SharedState,
    request: Request,
    last_event_id: Annotated[str | None, Header(description="The `id` of the last received event")] = None,
    after: Annotated[int | None, Query(ge=0, le=POSITION_MAX, description="The same, for the first connection")] = None,
) -> Response:
    """Stream events: `listing`, `trade`, `position`, `halt` and `config`, each with an `id` to resume from.

    `health`, `status` and `held` are states: the last of each replaces its predecessors. So are `upcoming`,
    `listing_stats`, `trade_stats`, `results` and `monitor`, the answers of the calls of these names without parameters,
    a few seconds old at most. `hello` has the position at which the stream begins, `reset` means that events were
    missed and have to be read again, `database` whether it is reachable. A `heartbeat` comes every 5 s.
    """
    token_id = principal_of(request.scope).token_id
    return EventStream(state.runtime.database, state.hub, resumed_from(last_event_id, after), token_id)


def resumed_from(last_event_id: str | None, after: int | None) -> int | None:
    """Return the position to resume from; an id that is not ours is treated as one no longer kept."""
    if not last_event_id:
        return after
    is_ours = last_event_id.isascii() and last_event_id.isdecimal() and len(last_event_id) <= len(str(POSITION_MAX))
    return min(int(last_event_id), POSITION_MAX) if is_ours else POSITION_MAX
