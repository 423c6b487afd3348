"""The exchange's REST answers: a quick poll of the tradable names, a slow one of everything."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Never

import structlog

from ingest.evidence import Names, Snapshot
from ingest.feeds import Feed, Feeds
from ingest.metrics import Metrics
from ingest.source import Report
from shared.backoff import jittered, pause
from shared.events import Source, utc_now
from shared.mexc.errors import ExchangeError, RateLimited
from shared.mexc.rest import MexcRest

log = structlog.get_logger(__name__)

RETRY_FIRST_SECONDS: Final = 0.5
RETRY_MAX_SECONDS: Final = 30.0
RATE_LIMITED_SECONDS: Final = 10.0
"""The window of MEXC's limits, for a refusal that names no wait."""


@dataclass(frozen=True, slots=True)
class PollSeconds:
    """How often each endpoint is asked."""

    default_symbols: float
    exchange_info: float
    blind: float = 15.0
    """Beyond it an endpoint that gives no usable answer counts as blind."""
    exchange_info_gap: float = 2.0
    """The least between two snapshots, however many names are new: at 25 weight each they would eat the allowance."""


@dataclass(frozen=True, slots=True)
class _Poll:
    feed: Feed
    wait: Callable[[], Awaitable[None]]
    ask: Callable[[Report], Awaitable[bool]]
    """Report one answer; return whether it was believed."""


class RestPolls:
    """Asks each endpoint at its own pace, and for a snapshot at once when a new name shows up."""

    name: Final = Source.MEXC_REST_API

    def __init__(self, rest: MexcRest, every: PollSeconds, feeds: Feeds, metrics: Metrics) -> None:
        self._rest = rest
        self._every = every
        self._names_feed = feeds.add(Feed("defaultSymbols", every.default_symbols + every.blind))
        self._snapshots_feed = feeds.add(Feed("exchangeInfo", every.exchange_info + every.blind))
        self._metrics = metrics
        self._names: frozenset[str] = frozenset()
        self._new_name = asyncio.Event()
        self._snapshot_at = float("-inf")
        self._barred_until = float("-inf")

    async def watch(self, report: Report) -> Never:
        names = _Poll(self._names_feed, self._until_next_names, self._ask_names)
        snapshots = _Poll(self._snapshots_feed, self._until_next_snapshot, self._ask_snapshot)
        async with asyncio.TaskGroup() as polls:
            for poll in (names, snapshots):
                polls.create_task(self._repeat(poll, report), name=f"poll-{poll.feed.name}")
        raise AssertionError

    async def _repeat(self, poll: _Poll, report: Report) -> Never:
        failures = 0
        while True:
            await poll.wait()
            await _until(self._barred_until)
            try:
                believed = await poll.ask(report)
            except ExchangeError as error:
                self._complain(poll.feed, error)
                await self._back_off(error, failures)
                failures += 1
                continue
            failures = 0
            if believed:
                poll.feed.saw()
            else:
                self._complain(poll.feed, ValueError("not a single symbol"))

    async def _ask_names(self, report: Report) -> bool:
        names = await self._rest.default_symbols()
        believed = await report(Names(self.name, utc_now(), names, complete=True))
        if not names <= self._names:
            self._names |= names
            self._new_name.set()
        return believed

    async def _until_next_names(self) -> None:
        await asyncio.sleep(self._every.default_symbols)

    async def _ask_snapshot(self, report: Report) -> bool:
        self._snapshot_at = asyncio.get_running_loop().time()
        symbols = await self._rest.exchange_info()
        return await report(Snapshot(self.name, utc_now(), symbols))

    async def _until_next_snapshot(self) -> None:
        """Wait out the interval, or for a new name: the first names of all ask for the first snapshot."""
        await pause(self._every.exchange_info, self._new_name)
        self._new_name.clear()
        await _until(self._snapshot_at + self._every.exchange_info_gap)

    async def _back_off(self, error: ExchangeError, failures: int) -> None:
        if isinstance(error, RateLimited):
            # The limits are shared, so both polls keep quiet.
            seconds = error.retry_after_seconds or RATE_LIMITED_SECONDS
            self._barred_until = max(self._barred_until, asyncio.get_running_loop().time() + seconds)
        await asyncio.sleep(jittered(failures, first_seconds=RETRY_FIRST_SECONDS, max_seconds=RETRY_MAX_SECONDS))

    def _complain(self, feed: Feed, error: Exception) -> None:
        feed.lost(str(error))
        self._metrics.rest_errors.labels(feed.name, type(error).__name__).inc()
        log.debug("no usable answer", endpoint=feed.name, reason=str(error))


async def _until(loop_time: float) -> None:
    await asyncio.sleep(max(0.0, loop_time - asyncio.get_running_loop().time()))
