"""State shared by the routes of a running API, and its dependency for routes."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.reading.lists.pages import Pages
from api.reading.reader import Reader
from api.reading.summaries import Summaries
from api.streaming.hub import Hub
from shared.process.runtime import Runtime


@dataclass(frozen=True, slots=True)
class AppState:
    """Objects with one instance per application."""

    runtime: Runtime
    reader: Reader
    pages: Pages
    summaries: Summaries
    hub: Hub


def build_app_state(runtime: Runtime) -> AppState:
    """Build the state of an API on *runtime*."""
    reader = Reader(runtime.database)
    return AppState(runtime, reader, Pages(reader), Summaries(runtime.database, reader), Hub())


async def state_of(request: Request) -> AppState:
    """Return the state of the application; a dependency of routes."""
    state: AppState = request.app.state.shared
    return state


SharedState = Annotated[AppState, Depends(state_of)]
