"""Every bus: stopping loses nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from shared.bus.port import Message
from shared.errors import TransientError
from tests.support.running.buses import Broker, Inbox, a_message, a_queue, consuming, drained

LISTINGS = a_queue()


class Busy(Inbox):
    """A handler that does not end before it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = asyncio.Event()
        self.finished: list[bytes] = []

    async def __call__(self, message: Message) -> Sequence[Message]:
        await super().__call__(message)
        await self.released.wait()
        self.finished.append(message.body)
        return ()


async def test_running_handlers_finish_and_waiting_messages_stay(broker: Broker) -> None:
    queue = replace(LISTINGS, prefetch=2)
    busy = Busy()

    async with broker.open(queue) as bus:
        for body in (b"a", b"b", b"c", b"d"):
            await bus.publish(a_message(body))
        async with consuming(bus, queue, busy) as until:
            await busy.gets(2)
            until.set()
            busy.released.set()

    assert sorted(busy.finished) == [b"a", b"b"]
    assert await drained(broker, queue) == [b"c", b"d"]


async def test_handler_that_overruns_the_drain_is_cut_off_and_its_message_stays(broker: Broker) -> None:
    busy = Busy()
    until = asyncio.Event()

    async with broker.open(LISTINGS, drain_seconds=0.1) as bus:
        await bus.publish(a_message(b"slow"))
        consuming_slowly = asyncio.create_task(bus.consume(LISTINGS, busy, until=until))
        await busy.gets(1)
        until.set()
        await consuming_slowly

    assert busy.finished == []
    assert await drained(broker, LISTINGS) == [b"slow"]


async def test_cancelled_consumer_acknowledges_nothing(broker: Broker) -> None:
    busy = Busy()

    async with broker.open(LISTINGS) as bus:
        await bus.publish(a_message(b"unfinished"))
        consumer = asyncio.create_task(bus.consume(LISTINGS, busy, until=asyncio.Event()))
        await busy.gets(1)
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer

    assert busy.finished == []
    assert await drained(broker, LISTINGS) == [b"unfinished"]


async def test_message_held_for_a_dependency_stays_when_the_service_stops(broker: Broker) -> None:
    inbox = Inbox()

    async def handle(message: Message) -> Sequence[Message]:
        await inbox(message)
        raise TransientError("database away")

    async with broker.open(LISTINGS) as bus, consuming(bus, LISTINGS, handle):
        await bus.publish(a_message(b"held"))
        await inbox.gets(1)

    assert await drained(broker, LISTINGS) == [b"held"]


async def test_consumer_told_to_stop_before_it_starts_handles_nothing(broker: Broker) -> None:
    inbox = Inbox()
    until = asyncio.Event()
    until.set()

    async with broker.open(LISTINGS) as bus:
        await bus.publish(a_message(b"kept"))
        await bus.consume(LISTINGS, inbox, until=until)

    assert inbox.messages == []
    assert await drained(broker, LISTINGS) == [b"kept"]


async def test_acknowledged_messages_do_not_come_back(broker: Broker) -> None:
    inbox = Inbox()

    async with broker.open(LISTINGS) as bus, consuming(bus, LISTINGS, inbox):
        for _ in range(30):
            await bus.publish(a_message())
        await inbox.gets(30)

    assert await drained(broker, LISTINGS) == []


async def test_consumer_may_stop_and_start_on_the_same_bus(broker: Broker) -> None:
    first, second = Inbox(), Inbox()

    async with broker.open(LISTINGS) as bus:
        for inbox in (first, second):
            async with consuming(bus, LISTINGS, inbox):
                await bus.publish(a_message())
                await inbox.gets(1)

    assert (len(first.messages), len(second.messages)) == (1, 1)
