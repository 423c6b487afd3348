"""Waits between the requests of a poll."""

import asyncio
from typing import cast

from prometheus_client import CollectorRegistry

from ingest.health.feed_health import Feed, FeedHealth
from ingest.metrics import Metrics
from ingest.polling.poll import FixedInterval, Poll, RetrySeconds, run_poll
from ingest.source import Report
from shared.mexc.errors import QUIET_LOOK_SECONDS, RateLimited
from tests.support.fakes.virtual_time import VirtualLoop

BAN_SECONDS = 7200.0


def asked_again_after(slept_seconds: float) -> float:
    """Return the seconds between a ban and the next request, on a machine that slept for so long in between."""
    loop = VirtualLoop()
    loop.is_busy = lambda: False
    slept = 0.0
    asked: list[float] = []

    async def ask(_: Report) -> bool:
        asked.append(loop.time())
        if len(asked) == 1:
            raise RateLimited(BAN_SECONDS, banned=True)
        return True

    async def polling() -> float:
        nonlocal slept
        poll = Poll(Feed("names", 60), ask, FixedInterval(1), RetrySeconds(1, 60))
        metrics, report = Metrics(CollectorRegistry(), FeedHealth()), cast("Report", None)
        task = asyncio.create_task(run_poll(poll, report, metrics, boot=lambda: loop.time() + slept))
        while len(asked) < 2:
            await asyncio.sleep(1)
            slept = slept_seconds
        task.cancel()
        return asked[1] - asked[0]

    try:
        return loop.run_until_complete(polling())
    finally:
        loop.close()


def test_ban_is_waited_out() -> None:
    assert BAN_SECONDS <= asked_again_after(0) <= BAN_SECONDS + 1


def test_ban_is_over_at_its_time_although_the_machine_slept() -> None:
    assert asked_again_after(BAN_SECONDS) <= QUIET_LOOK_SECONDS + 1
