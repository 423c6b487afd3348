"""Every bus: what is confirmed is delivered, in order, to every queue bound to it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.bus import delivery
from shared.bus.port import Message
from shared.errors import TransientError
from tests.support.running.buses import DEAD_LETTERS, EVENTS, Broker, Inbox, a_message, a_queue, consuming, drained
from tests.waiting import eventually

LISTINGS = a_queue()
TRADES = a_queue("trade.#", name="t.trades")


async def test_confirmed_message_arrives_as_it_was_published(broker: Broker) -> None:
    inbox = Inbox()
    message = a_message(b'{"symbol": "ABC"}', headers={"trace": "1"})

    async with broker.open(LISTINGS) as bus, consuming(bus, LISTINGS, inbox):
        await bus.publish(message)
        await inbox.gets(1)

    assert inbox.messages == [message]


async def test_order_of_the_queue_is_kept(broker: Broker) -> None:
    inbox = Inbox()
    bodies = [str(number).encode() for number in range(60)]

    async with broker.open(LISTINGS) as bus, consuming(bus, LISTINGS, inbox):
        for body in bodies:
            await bus.publish(a_message(body))
        await inbox.gets(60)

    assert inbox.bodies() == bodies


async def test_order_is_kept_when_more_is_published_than_fits_in_memory(broker: Broker) -> None:
    started = asyncio.Event()
    inbox = Inbox()
    bodies = [str(number).encode() for number in range(450)]

    async def handle(message: Message) -> Sequence[Message]:
        await started.wait()
        return await inbox(message)

    async with broker.open(LISTINGS) as bus, consuming(bus, LISTINGS, handle):
        for body in bodies:
            await bus.publish(a_message(body))
        started.set()
        await inbox.gets(450)

    assert inbox.bodies() == bodies


async def test_handlers_start_in_order_and_never_more_than_the_prefetch_at_once(broker: Broker) -> None:
    queue = replace(LISTINGS, prefetch=3)
    inbox = Inbox()
    release = asyncio.Semaphore(0)
    running: set[bytes] = set()
    most = 0

    async def handle(message: Message) -> Sequence[Message]:
        nonlocal most
        await inbox(message)
        running.add(message.body)
        most = max(most, len(running))
        await release.acquire()
        running.discard(message.body)
        return ()

    async with broker.open(queue) as bus, consuming(bus, queue, handle):
        for number in range(12):
            await bus.publish(a_message(b"%d" % number))
        for seen in range(3, 13):
            await inbox.gets(seen)
            release.release()
        release.release()
        release.release()

    assert most == 3
    assert inbox.bodies() == [b"%d" % number for number in range(12)]


async def test_late_consumer_gets_everything_published_before(broker: Broker) -> None:
    async with broker.open(LISTINGS) as bus:
        for number in range(5):
            await bus.publish(a_message(b"%d" % number))

    assert await drained(broker, LISTINGS) == [b"0", b"1", b"2", b"3", b"4"]


async def test_every_bound_queue_gets_its_own_copy(broker: Broker) -> None:
    everything = a_queue("#", name="t.everything")
    inbox, other = Inbox(), Inbox()

    async with (
        broker.open(LISTINGS, everything) as bus,
        consuming(bus, LISTINGS, inbox),
        consuming(bus, everything, other),
    ):
        await bus.publish(a_message(b"listed"))
        await bus.publish(a_message(b"traded", routing_key="trade.filled"))
        await other.gets(2)
        await inbox.gets(1)

    assert other.bodies() == [b"listed", b"traded"]
    assert inbox.bodies() == [b"listed"]


async def test_message_no_queue_takes_is_refused(broker: Broker) -> None:
    async with broker.open(LISTINGS) as bus:
        with pytest.raises(TransientError):
            await bus.publish(a_message(routing_key="nobody.listens"))


async def test_bus_goes_on_after_a_refused_message(broker: Broker) -> None:
    async with broker.open(LISTINGS) as bus:
        with pytest.raises(TransientError):
            await bus.publish(Message("t.no-such-exchange", "a.b", b"", "1"))
        await bus.publish(a_message(b"routed"))

    assert await drained(broker, LISTINGS) == [b"routed"]


async def test_messages_of_many_publishers_all_arrive(broker: Broker) -> None:
    queue = replace(LISTINGS, prefetch=50)
    inbox = Inbox()

    async with broker.open(queue) as bus, consuming(bus, queue, inbox):
        async with asyncio.TaskGroup() as publishers:
            for number in range(300):
                publishers.create_task(bus.publish(a_message(b"%d" % number)))
        await inbox.gets(300)

    assert sorted(map(int, inbox.bodies())) == list(range(300))


async def test_two_consumers_of_a_queue_never_share_a_message(broker: Broker) -> None:
    one, other = Inbox(), Inbox()

    async with (
        broker.open(LISTINGS) as bus,
        broker.open(LISTINGS) as second,
        consuming(bus, LISTINGS, one),
        consuming(second, LISTINGS, other),
    ):
        for number in range(40):
            await bus.publish(a_message(b"%d" % number))
        await eventually(lambda: len(one.messages) + len(other.messages) >= 40)

    assert sorted(one.bodies() + other.bodies()) == sorted(b"%d" % number for number in range(40))


async def test_second_consumer_takes_over_when_the_first_leaves(broker: Broker) -> None:
    one, other = Inbox(), Inbox()

    async with broker.open(LISTINGS) as bus, broker.open(LISTINGS) as second, consuming(second, LISTINGS, other):
        async with consuming(bus, LISTINGS, one):
            await bus.publish(a_message(b"first"))
            await eventually(lambda: one.messages or other.messages)
        await bus.publish(a_message(b"second"))
        await eventually(lambda: b"second" in other.bodies())

    assert sorted(one.bodies() + other.bodies()) == [b"first", b"second"]


async def test_message_that_waits_too_long_goes_to_the_dead_letters_undelivered(broker: Broker) -> None:
    short = replace(LISTINGS, time_to_live=timedelta(milliseconds=100))
    graves, inbox = Inbox(), Inbox()
    message = a_message(b"stale", headers={"trace": "1"})

    async with broker.open(short) as bus, consuming(bus, DEAD_LETTERS, graves):
        await bus.publish(message)
        await graves.gets(1)
        async with consuming(bus, short, inbox):
            await bus.publish(a_message(b"fresh"))
            await inbox.gets(1)

    [dead] = graves.messages
    assert (dead.body, dead.message_id, dead.content_type) == (message.body, message.message_id, message.content_type)
    assert dead.headers["trace"] == "1"
    assert dead.headers[delivery.REASON] == "expired"
    assert dead.headers[delivery.QUEUE] == short.name
    assert dead.headers[delivery.ORIGINAL_EXCHANGE] == EVENTS.name
    assert dead.headers[delivery.ORIGINAL_ROUTING_KEY] == message.routing_key
    assert inbox.bodies() == [b"fresh"]


async def test_message_that_expires_behind_a_slow_handler_is_not_delivered(broker: Broker) -> None:
    short = replace(LISTINGS, time_to_live=timedelta(milliseconds=300))
    graves, inbox = Inbox(), Inbox()
    released = asyncio.Event()

    async def handle(message: Message) -> Sequence[Message]:
        await inbox(message)
        await released.wait()
        return ()

    async with broker.open(short) as bus, consuming(bus, DEAD_LETTERS, graves), consuming(bus, short, handle):
        await bus.publish(a_message(b"slow"))
        await inbox.gets(1)
        await bus.publish(a_message(b"behind"))
        await graves.gets(1)
        released.set()

    assert inbox.bodies() == [b"slow"]
    assert graves.bodies() == [b"behind"]


async def test_bus_says_whether_messages_flow(broker: Broker) -> None:
    async with broker.open(LISTINGS) as bus:
        await eventually(bus.is_connected)
        async with consuming(bus, LISTINGS, Inbox()):
            await eventually(bus.is_connected)
