"""Every bus: what happens to a message whose handler fails."""

from collections.abc import Sequence
from dataclasses import replace

from shared.bus import delivery
from shared.bus.port import Message
from shared.errors import PermanentError, TransientError
from tests.support.running.buses import DEAD_LETTERS, EVENTS, Broker, Inbox, a_message, a_queue, consuming, drained

LISTINGS = a_queue()
TRADES = a_queue("trade.#", name="t.trades")


class Failing(Inbox):
    """Fails with each of *errors* in turn, then accepts."""

    def __init__(self, *errors: Exception, results: Sequence[Message] = ()) -> None:
        super().__init__()
        self._errors = list(errors)
        self._results = results

    async def __call__(self, message: Message) -> Sequence[Message]:
        await super().__call__(message)
        if self._errors:
            raise self._errors.pop(0)
        return self._results


async def test_what_a_handler_returns_is_published(broker: Broker) -> None:
    result = a_message(b"bought", routing_key="trade.filled")
    trades = Inbox()

    async with (
        broker.open(LISTINGS, TRADES) as bus,
        consuming(bus, LISTINGS, Failing(results=[result])),
        consuming(bus, TRADES, trades),
    ):
        await bus.publish(a_message())
        await trades.gets(1)

    assert trades.messages == [result]


async def test_message_is_not_acknowledged_before_its_results_are_published(broker: Broker) -> None:
    unroutable = Failing(results=[a_message(routing_key="nobody.listens")])

    async with broker.open(LISTINGS) as bus, consuming(bus, LISTINGS, unroutable):
        await bus.publish(a_message(b"kept"))
        await unroutable.gets(1)

    assert await drained(broker, LISTINGS) == [b"kept"]


async def test_failed_message_is_delivered_again_before_the_next(broker: Broker) -> None:
    handler = Failing(ValueError("bug"), ValueError("bug"))

    async with broker.open(LISTINGS) as bus:
        await bus.publish(a_message(b"one"))
        await bus.publish(a_message(b"two"))
        async with consuming(bus, LISTINGS, handler):
            await handler.gets(4)

    assert handler.bodies() == [b"one", b"one", b"one", b"two"]
    assert await drained(broker, LISTINGS) == []


async def test_message_that_always_fails_goes_to_the_dead_letters_after_its_attempts(broker: Broker) -> None:
    queue = replace(LISTINGS, attempts_max=3)
    handler, graves = Failing(*[ValueError("always")] * 3), Inbox()
    message = a_message(b"\x00poison", headers={"trace": "1"})

    async with (
        broker.open(queue) as bus,
        consuming(bus, queue, handler),
        consuming(bus, DEAD_LETTERS, graves),
    ):
        await bus.publish(message)
        await bus.publish(a_message(b"next"))
        await graves.gets(1)
        await handler.gets(4)

    assert handler.bodies() == [message.body] * 3 + [b"next"]
    [dead] = graves.messages
    assert (dead.body, dead.message_id, dead.content_type) == (message.body, message.message_id, message.content_type)
    assert dead.headers == {
        "trace": "1",
        delivery.REASON: "ValueError: always",
        delivery.QUEUE: queue.name,
        delivery.ATTEMPTS: "3",
        delivery.ORIGINAL_EXCHANGE: EVENTS.name,
        delivery.ORIGINAL_ROUTING_KEY: message.routing_key,
    }
    assert await drained(broker, queue) == []


async def test_attempts_are_counted_across_restarts(broker: Broker) -> None:
    queue = replace(LISTINGS, attempts_max=4)
    before, after, graves = Failing(*[ValueError("bug")] * 4), Failing(*[ValueError("bug")] * 4), Inbox()

    async with broker.open(queue) as bus, consuming(bus, queue, before) as until:
        await bus.publish(a_message(b"poison"))
        await before.gets(2)
        until.set()
    async with broker.open(queue) as bus, consuming(bus, queue, after), consuming(bus, DEAD_LETTERS, graves):
        await graves.gets(1)

    # A delivery that comes just when the consumer stops is counted without a handler having seen it.
    assert 3 <= len(before.messages) + len(after.messages) <= 4


async def test_permanent_error_goes_straight_to_the_dead_letters(broker: Broker) -> None:
    handler, graves = Failing(PermanentError("not an event")), Inbox()

    async with (
        broker.open(LISTINGS) as bus,
        consuming(bus, LISTINGS, handler),
        consuming(bus, DEAD_LETTERS, graves),
    ):
        await bus.publish(a_message(b"garbage"))
        await bus.publish(a_message(b"next"))
        await graves.gets(1)
        await handler.gets(2)

    assert handler.bodies() == [b"garbage", b"next"]
    assert graves.messages[0].headers[delivery.REASON] == "not an event"


async def test_transient_error_holds_its_message_without_counting_attempts(broker: Broker) -> None:
    queue = replace(LISTINGS, attempts_max=2)
    handler = Failing(*[TransientError("database away")] * 3)

    async with broker.open(queue) as bus, consuming(bus, queue, handler):
        await bus.publish(a_message(b"one"))
        await bus.publish(a_message(b"two"))
        await handler.gets(5)

    assert handler.bodies() == [b"one", b"one", b"one", b"one", b"two"]
    assert await drained(broker, DEAD_LETTERS) == []


async def test_failed_dead_letter_is_kept_and_tried_again(broker: Broker) -> None:
    graves = Failing(PermanentError("cannot read it"), ValueError("bug"))

    async with (
        broker.open(LISTINGS) as bus,
        consuming(bus, LISTINGS, Failing(PermanentError("bad"))),
        consuming(bus, DEAD_LETTERS, graves),
    ):
        await bus.publish(a_message(b"garbage"))
        await graves.gets(3)

    assert {message.headers[delivery.QUEUE] for message in graves.messages} == {LISTINGS.name}
