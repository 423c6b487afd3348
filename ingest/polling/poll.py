"""Polling of one endpoint with retries."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Never

import structlog

from ingest.health.feed_health import Feed
from ingest.metrics import Metrics
from ingest.source import Report
from shared.errors import jittered, pause
from shared.mexc.errors import QUIET_LOOK_SECONDS, ExchangeError, RateLimited
from shared.mexc.time.clock_estimate import boot_seconds

log = structlog.get_logger(__name__)


class NotBelievedError(ExchangeError):
    """It was not believed: it shows too much or too little."""


class RetrySeconds(NamedTuple):
    """Back-off after a rejected or missing answer, doubled with each failure."""

    first: float
    most: float


@dataclass(frozen=True, slots=True)
class Poll:
    feed: Feed
    ask: Callable[[Report], Awaitable[bool]]
    """Report one answer; return whether it was accepted. Raises ExchangeError where there is none to report."""
    wait: Callable[[], Awaitable[None]]
    """Return when the next request is due, at first and after an accepted answer."""
    retry: RetrySeconds
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where the next request is wanted at once, also after a failure, unless of too many; cleared by `ask`."""

    async def attempt(self, report: Report) -> Exception | None:
        """Request and report one answer; return the problem, if any."""
        try:
            accepted = await self.ask(report)
        except ExchangeError as error:
            return error
        except Exception as error:
            # An error of ours over this answer must not end the polling, or the other sources.
            log.exception("an answer was not taken in", endpoint=self.feed.name)
            return error
        return None if accepted else NotBelievedError()


class FixedInterval:
    """Wait of a poll: none before the first request, a fixed interval before each further one."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waited = False

    async def __call__(self) -> None:
        if self._waited:
            await asyncio.sleep(self._seconds)
        self._waited = True


async def run_poll(poll: Poll, report: Report, metrics: Metrics, *, boot: Callable[[], float] = boot_seconds) -> Never:
    """Poll until cancelled. Failures are counted, and show in health when they last.

    By *boot*, which goes on while the machine sleeps, a quiet of the exchange is over.
    """
    failures = 0
    while True:
        if not failures:
            await poll.wait()
        problem = await poll.attempt(report)
        if problem is None:
            poll.feed.received()
            failures = 0
            continue
        poll.feed.lost(str(problem) or type(problem).__name__)
        metrics.rest_errors.labels(poll.feed.name, type(problem).__name__).inc()
        log.debug("no usable answer", endpoint=poll.feed.name, reason=str(problem))
        seconds = jittered(failures, first_seconds=poll.retry.first, max_seconds=poll.retry.most)
        if isinstance(problem, RateLimited):
            await _sleep_out(max(seconds, problem.retry_after_seconds or 0.0), boot)
        else:
            await pause(seconds, poll.hurry)
        failures += 1


async def _sleep_out(seconds: float, boot: Callable[[], float]) -> None:
    """Sleep *seconds*, those included in which the machine slept: timers stand still meanwhile."""
    clocks = [(clock, clock() + seconds) for clock in (asyncio.get_running_loop().time, boot)]
    while (left_seconds := min(until - clock() for clock, until in clocks)) > 0:  # noqa: ASYNC110 - time has no event
        await asyncio.sleep(min(left_seconds, QUIET_LOOK_SECONDS))
