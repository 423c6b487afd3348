"""What an outage of the database repeats every half second is logged once a minute."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from dedup.unannounced import republish
from shared.bus.embedded.bus import EmbeddedBus
from shared.bus.embedded.lock import QueueLocks
from shared.bus.embedded.memory_queue import Held, MemoryQueue
from shared.bus.embedded.store import MessageStore
from shared.bus.metrics import BusMetrics
from shared.errors import TransientError
from shared.postgres.database import Database, Pool
from tests.support.fakes.fakes import RecordingBus
from tests.support.fakes.virtual_time import VirtualLoop
from tests.support.running.buses import a_message, a_queue, a_topology

OUTAGE_SECONDS = 50
REFUSALS_MIN = 5


class Away:
    """A database, a pool, a store and locks that refuse at once."""

    def __init__(self) -> None:
        self.refusals = 0

    def connection(self) -> AbstractAsyncContextManager[object]:
        self.refusals += 1
        raise TransientError("database away")

    def acquire(self) -> AbstractAsyncContextManager[object]:
        self.refusals += 1
        raise OSError("database away")

    async def delete(self, *_: object) -> None:
        self.connection()

    async def take(self, _: object) -> None:
        self.connection()


def republishing(away: Away) -> Coroutine[Any, Any, None]:
    return republish(cast("Database", away), RecordingBus())


def upkeep(away: Away) -> Coroutine[Any, Any, None]:
    return EmbeddedBus(cast("Pool", away), a_topology(), BusMetrics(), drain_seconds=1).keep_up()


def a_memory_queue(away: Away) -> MemoryQueue:
    return MemoryQueue(a_queue(), cast("MessageStore", away), cast("QueueLocks", away), Counter())


def reading(away: Away) -> Coroutine[Any, Any, None]:
    return a_memory_queue(away).read()


def acknowledging(away: Away) -> Coroutine[Any, Any, None]:
    queue = a_memory_queue(away)
    queue.acknowledge(Held(1, a_message(), 1, float("inf")))
    return queue.flush()


@pytest.mark.parametrize("work", [republishing, upkeep, reading, acknowledging])
def test_outage_is_logged_once_a_minute(work: Any) -> None:
    away = Away()

    async def through_an_outage() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(OUTAGE_SECONDS):
                await work(away)

    with capture_logs() as lines, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        cast("VirtualLoop", runner.get_loop()).is_busy = lambda: False
        runner.run(through_an_outage())

    assert away.refusals >= REFUSALS_MIN
    assert len([line for line in lines if line["log_level"] == "warning"]) == 1
