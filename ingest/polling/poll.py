"""One endpoint asked again and again, whatever it answers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple, Never

import structlog

from ingest.health.feed_health import Feed
from ingest.metrics import Metrics
from ingest.source import Report
from shared.backoff import jittered
from shared.mexc.errors import ExchangeError, RateLimited

log = structlog.get_logger(__name__)


class NotBelievedError(ExchangeError):
    """It was not believed: it shows too much or too little."""


class RetrySeconds(NamedTuple):
    """The wait after an answer that was not believed, or after none; it doubles while that lasts."""

    first: float
    most: float


@dataclass(frozen=True, slots=True)
class Poll:
    feed: Feed
    ask: Callable[[Report], Awaitable[bool]]
    """Report one answer; return whether it was believed. Raises ExchangeError where there is none to report."""
    wait: Callable[[], Awaitable[None]]
    """Return when it is time to ask, at first and after an answer that was believed."""
    retry: RetrySeconds


async def run_poll(poll: Poll, report: Report, metrics: Metrics) -> Never:
    """Ask until cancelled. A failure is counted, and told of when it lasts."""
    failures = 0
    while True:
        if not failures:
            await poll.wait()
        problem = await _problem(poll, report)
        if problem is None:
            poll.feed.received()
            failures = 0
            continue
        poll.feed.lost(str(problem) or type(problem).__name__)
        metrics.rest_errors.labels(poll.feed.name, type(problem).__name__).inc()
        log.debug("no usable answer", endpoint=poll.feed.name, reason=str(problem))
        await asyncio.sleep(_delay_seconds(poll, problem, failures))
        failures += 1


async def _problem(poll: Poll, report: Report) -> Exception | None:
    try:
        accepted = await poll.ask(report)
    except ExchangeError as error:
        return error
    except Exception as error:
        # A fault of ours with this answer is no reason to look no more, or for the other sources to end.
        log.exception("an answer was not taken in", endpoint=poll.feed.name)
        return error
    return None if accepted else NotBelievedError()


def _delay_seconds(poll: Poll, problem: Exception, failures: int) -> float:
    wait_seconds = jittered(failures, first_seconds=poll.retry.first, max_seconds=poll.retry.most)
    named_seconds = problem.retry_after_seconds if isinstance(problem, RateLimited) else None
    return max(wait_seconds, named_seconds or 0.0)
