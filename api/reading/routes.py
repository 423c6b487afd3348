"""Routes of the read side beside the lists: health, status, statistics, stories, history, upcoming listings."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from api.access.dependencies import view
from api.app_state import SharedState
from api.error_handlers import ApiError
from api.operator import config_tag, trade_config
from api.reading import history, listing_story
from api.reading.history import History, HistoryFilter
from api.reading.statistics import latency
from api.reading.statistics.results import Days
from api.reading.statistics.windows import Window
from api.schemas import (
    Alive,
    Health,
    LatencyHours,
    ListingStats,
    ListingStory,
    Problem,
    Results,
    Status,
    TradeConfig,
    TradeStats,
    Upcoming,
)
from shared.events import Symbol

router = APIRouter(dependencies=[Depends(view)], tags=["reading"])
probes = APIRouter(tags=["probes"])

_UNPROTECTED: Final[dict[str, Any]] = {"security": []}
_NOT_FOUND: Final[dict[int | str, dict[str, Any]]] = {404: {"model": Problem, "description": "There is none"}}


@probes.get("/health/live", openapi_extra=_UNPROTECTED)
async def get_alive() -> Alive:
    """Answer 200 while the process is alive."""
    return Alive()


@probes.get("/health/ready", openapi_extra=_UNPROTECTED)
async def get_ready(state: SharedState) -> Alive:
    """Answer 200 while everything in this process is ready; 503 names the missing parts."""
    if missing := state.runtime.telemetry.not_ready():
        waiting: list[Any] = list(missing)
        raise ApiError(503, "not_ready", f"waiting for: {', '.join(missing)}", details={"waiting_for": waiting})
    return Alive()


@router.get("/health")
async def get_health(state: SharedState) -> Health:
    """Show the state and age of every component, and of the whole. Always answers 200."""
    return await state.summaries.health()


@router.get("/status")
async def get_status(state: SharedState) -> Status:
    """Show whether orders cost money now: every gate of live trading, with the reason if it is closed."""
    return await state.summaries.status()


@router.get("/config")
async def get_config(state: SharedState, response: Response) -> TradeConfig:
    """Show the limits of trading, and every halt in force. A change must name the ETag of its base version."""
    config = await trade_config.read(state.runtime.database)
    response.headers["ETag"] = config_tag.etag_of(config)
    return config


@router.get("/listings/stats")
async def get_listing_stats(state: SharedState, window: Annotated[Window, Query()]) -> ListingStats:
    """Count the listings of a window by source, with the number and lead of each source's first sightings."""
    return await state.summaries.listing_stats(window)


@router.get("/listings/{symbol}", responses=_NOT_FOUND)
async def get_listing(state: SharedState, symbol: Annotated[Symbol, Path(examples=["ABCUSDT"])]) -> ListingStory:
    """Show the story of each listing of a symbol: its sightings, the times of its stages, decisions and trades."""
    return await listing_story.read(state.reader, symbol)


@router.get("/trades/stats")
async def get_trade_stats(state: SharedState, window: Annotated[Window, Query()]) -> TradeStats:
    """Summarise the trades of a window: outcomes, latency of each stage, amounts, and reasons of refusals."""
    return await state.summaries.trade_stats(window)


@router.get("/trades/stats/latency")
async def get_latency(state: SharedState, window: Annotated[Window, Query()]) -> LatencyHours:
    """Show the latency of each stage in each hour of a window, separately for dry-run and live."""
    return await latency.read(state.reader, window)


@router.get("/results")
async def get_results(state: SharedState, days: Annotated[Days, Query()]) -> Results:
    """Show the results of positions ended on each day (UTC), and of all, separately for dry-run and live."""
    return await state.summaries.results(days)


@router.get("/history")
async def get_all_history(state: SharedState, wanted: Annotated[HistoryFilter, Query()]) -> History:
    """List decisions with their authors, newest first: configuration, halts, exits, sales, write-offs and more."""
    return await history.read(state.reader, wanted)


@router.get("/upcoming")
async def get_upcoming(state: SharedState) -> Upcoming:
    """List upcoming openings, with the time by the exchange's clock, and those that moved."""
    return await state.summaries.upcoming()
