"""Metrics of the messages that a bus publishes and delivers."""

import asyncio
from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry

from shared.bus.delivery import DeliveryProcessor
from shared.bus.metrics import BusMetrics
from shared.bus.port import Binding, Exchange, Message, Queue
from shared.errors import PermanentError, TransientError

EVENTS, DEAD = Exchange("events"), Exchange("dead", "fanout")
QUEUE = Queue("news", (Binding(EVENTS, "#"),))


class Counted:
    """The metrics of a bus, on a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.registry = CollectorRegistry()
        self.metrics = BusMetrics(self.registry, clock=lambda: self.now)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"sniper_bus_{name}", labels)


class Delivery:
    def __init__(self, attempt: int) -> None:
        self.message = Message("events", "a", b"", "id-1")
        self.attempt = attempt

    async def ack(self) -> None:
        """Ignore it."""

    async def requeue(self) -> None:
        """Ignore it."""


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_a_publish_is_confirmed_after_a_time(counted: Counted) -> None:
    with counted.metrics.publishing("events"):
        counted.now += 0.2

    assert counted.value("publishes_total", exchange="events") == 1
    assert counted.value("confirms_total", exchange="events") == 1
    assert counted.value("publish_seconds_sum", exchange="events") == pytest.approx(0.2)


def test_a_publish_that_fails_is_not_confirmed(counted: Counted) -> None:
    with pytest.raises(TransientError), counted.metrics.publishing("events"):
        raise TransientError("away")

    assert counted.value("publishes_total", exchange="events") == 1
    assert not counted.value("confirms_total", exchange="events")


@pytest.mark.parametrize(("attempt", "again"), [(1, 0), (2, 1), (7, 1)])
async def test_a_delivery_is_counted_and_so_is_one_that_comes_again(counted: Counted, attempt: int, again: int) -> None:
    await settled(counted, attempt)

    assert counted.value("deliveries_total", queue="news") == 1
    assert counted.value("redeliveries_total", queue="news") == again
    assert counted.value("dead_letters_total", queue="news") == 0


async def test_what_is_held_shows_until_it_is_answered(counted: Counted) -> None:
    async def handle(_: Message) -> Sequence[Message]:
        counted.now += 3
        assert counted.value("in_process", queue="news") == 1
        assert counted.value("oldest_message_seconds", queue="news") == 3
        return ()

    await settled(counted, 1, handle=handle)

    assert counted.value("in_process", queue="news") == 0
    assert counted.value("oldest_message_seconds", queue="news") == 0
    assert counted.value("handler_seconds_sum", queue="news") == 3


async def test_a_dead_letter_is_counted_once_it_is_buried(counted: Counted) -> None:
    async def handle(_: Message) -> Sequence[Message]:
        raise PermanentError("no event")

    await settled(counted, 1, handle=handle)

    assert counted.value("dead_letters_total", queue="news") == 1


async def settled(counted: Counted, attempt: int, handle: object = None) -> None:
    async def nothing(_: Message) -> Sequence[Message]:
        return ()

    async def publish(_: Message, /) -> None:
        """Accept it."""

    chosen = handle if callable(handle) else nothing
    processor = DeliveryProcessor(QUEUE, chosen, publish, DEAD, asyncio.Event(), counted.metrics)
    await processor.process(Delivery(attempt))
