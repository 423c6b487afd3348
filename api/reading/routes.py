"""Routes of the read side beside the lists: health, status, statistics, stories, and what is to come."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from api.access.dependencies import view
from api.error_handlers import ApiError
from api.operator import config_tag, trade_config
from api.parts import Shared
from api.reading import history, story
from api.reading.answers import (
    Alive,
    Health,
    LatencyHours,
    ListingStats,
    ListingStory,
    Results,
    Status,
    TradeStats,
    Upcoming,
)
from api.reading.history import History, HistoryFilter
from api.reading.statistics import latency
from api.reading.statistics.results import Days
from api.reading.statistics.windows import Window
from api.schemas import Problem, TradeConfig
from shared.events import Symbol

router = APIRouter(dependencies=[Depends(view)], tags=["reading"])
probes = APIRouter(tags=["probes"])

_UNPROTECTED: Final[dict[str, Any]] = {"security": []}
_NOT_FOUND: Final[dict[int | str, dict[str, Any]]] = {404: {"model": Problem, "description": "There is none"}}


@probes.get("/health/live", openapi_extra=_UNPROTECTED)
async def get_alive() -> Alive:
    """Answer while the process does anything at all."""
    return Alive()


@probes.get("/health/ready", openapi_extra=_UNPROTECTED)
async def get_ready(parts: Shared) -> Alive:
    """Answer 200 while everything in this process is ready; 503 names what is not."""
    if missing := parts.runtime.telemetry.not_ready():
        waiting: list[Any] = list(missing)
        raise ApiError(503, "not_ready", f"waiting for: {', '.join(missing)}", details={"waiting_for": waiting})
    return Alive()


@router.get("/health")
async def get_health(parts: Shared) -> Health:
    """Show every component with its state and age, and all of them together. It is 200 whatever they are."""
    return await parts.summaries.health()


@router.get("/status")
async def get_status(parts: Shared) -> Status:
    """Show whether orders cost money now: every gate of live trading, and why it is closed."""
    return await parts.summaries.status()


@router.get("/config")
async def get_config(parts: Shared, response: Response) -> TradeConfig:
    """Show the limits that trading keeps, and every halt in force. A change names the ETag of what it was made of."""
    config = await trade_config.read(parts.runtime.database)
    response.headers["ETag"] = config_tag.of(config)
    return config


@router.get("/listings/stats")
async def get_listing_stats(parts: Shared, window: Annotated[Window, Query()]) -> ListingStats:
    """Count the listings of a window by source, and how often and by how much each source was first."""
    return await parts.summaries.listing_stats(window)


@router.get("/listings/{symbol}", responses=_NOT_FOUND)
async def get_listing(parts: Shared, symbol: Annotated[Symbol, Path(examples=["ABCUSDT"])]) -> ListingStory:
    """Tell the way of each listing of a symbol: who saw it first, when it passed each stage, and what came of it."""
    return await story.read(parts.reader, symbol)


@router.get("/trades/stats")
async def get_trade_stats(parts: Shared, window: Annotated[Window, Query()]) -> TradeStats:
    """Summarise the trades of a window: outcomes, times of each stage, money, and why nothing was bought."""
    return await parts.summaries.trade_stats(window)


@router.get("/trades/stats/latency")
async def get_latency(parts: Shared, window: Annotated[Window, Query()]) -> LatencyHours:
    """Show how long each stage took in each hour of a window, for dry-run and live apart."""
    return await latency.read(parts.reader, window)


@router.get("/results")
async def get_results(parts: Shared, days: Annotated[Days, Query()]) -> Results:
    """Show what the positions that ended on each day (UTC) came to, and all of them, for dry-run and live apart."""
    return await parts.summaries.results(days)


@router.get("/history")
async def get_all_history(parts: Shared, wanted: Annotated[HistoryFilter, Query()]) -> History:
    """List who decided what, newest first: configuration, halts, exits, sales, write-offs, settled orders and more."""
    return await history.read(parts.reader, wanted)


@router.get("/upcoming")
async def get_upcoming(parts: Shared) -> Upcoming:
    """List openings to come, with the time by the exchange's clock, and those that moved."""
    return await parts.summaries.upcoming()
