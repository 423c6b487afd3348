import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from shared.bus import delivery as process
from shared.bus.delivery import DeliveryProcessor, dead_letter
from shared.bus.port import Exchange, Handler, Message, Queue
from shared.errors import PermanentError, TransientError
from tests.waiting import eventually

DEAD = Exchange("dead", "fanout")
QUEUE = Queue("q", (), attempts_max=3, deliveries_max=6, retry_delay=timedelta(0))
MESSAGE = Message("raw", "raw.test", b"{}", "1", "application/json", {"trace": "7"})
RESULT = Message("events", "listing.detected", b"listed", "2")


@dataclass
class FakeDelivery:
    """Notes down its answers among the publishes, so that their order can be asserted."""

    journal: list[str]
    message: Message = MESSAGE
    attempt: int = 1

    async def ack(self) -> None:
        self.journal.append("ack")

    async def requeue(self) -> None:
        self.journal.append("give back")


@dataclass
class Broker:
    """Publishes into a journal, after failing with each of *failures* in turn."""

    failures: list[Exception] = field(default_factory=list)
    journal: list[str] = field(default_factory=list)
    published: list[Message] = field(default_factory=list)
    until: asyncio.Event = field(default_factory=asyncio.Event)

    async def publish(self, message: Message) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.published.append(message)
        self.journal.append(f"publish to {message.exchange}")

    async def process(self, handle: Handler, *, attempt: int = 1, queue: Queue = QUEUE) -> None:
        processor = DeliveryProcessor(queue, handle, self.publish, DEAD, self.until)
        await processor.process(FakeDelivery(self.journal, attempt=attempt))


def returning(*results: Message) -> Handler:
    async def handle(_: Message) -> Sequence[Message]:
        return results

    return handle


def raising(*errors: BaseException) -> Handler:
    """Return a handler that fails with each of *errors* in turn, then accepts."""
    left = list(errors)

    async def handle(_: Message) -> Sequence[Message]:
        if left:
            raise left.pop(0)
        return ()

    return handle


@pytest.fixture
def broker() -> Broker:
    return Broker()


async def test_results_are_published_before_the_message_is_acknowledged(broker: Broker) -> None:
    await broker.process(returning(RESULT, RESULT))

    assert broker.journal == ["publish to events", "publish to events", "ack"]


async def test_failed_message_is_given_back(broker: Broker) -> None:
    await broker.process(raising(ValueError("bug")), attempt=2)

    assert broker.journal == ["give back"]


async def test_message_is_buried_with_its_last_attempt(broker: Broker) -> None:
    await broker.process(raising(ValueError("bug")), attempt=3)

    assert broker.journal == ["publish to dead", "ack"]
    assert broker.published[0].headers[process.REASON] == "ValueError: bug"


async def test_permanent_error_buries_at_once(broker: Broker) -> None:
    await broker.process(raising(PermanentError("not an event")))

    assert broker.journal == ["publish to dead", "ack"]
    assert broker.published[0].headers[process.REASON] == "not an event"


async def test_message_nobody_ever_answers_for_is_buried_unhandled(broker: Broker) -> None:
    await broker.process(returning(RESULT), attempt=7)

    assert broker.journal == ["publish to dead", "ack"]


async def test_lost_connections_do_not_bury_a_message_that_can_be_handled(broker: Broker) -> None:
    await broker.process(returning(RESULT), attempt=6)

    assert broker.journal == ["publish to events", "ack"]


async def test_queue_without_dead_letters_gives_back_what_it_cannot_bury(broker: Broker) -> None:
    queue = replace(QUEUE, dead_letters=False)

    await broker.process(raising(PermanentError("unreadable")), queue=queue)
    await broker.process(raising(ValueError("bug")), queue=queue, attempt=3)

    assert broker.journal == ["give back", "give back"]


async def test_transient_error_of_the_handler_is_tried_again_in_place(broker: Broker) -> None:
    await broker.process(raising(TransientError("database away")), attempt=3)

    assert broker.journal == ["ack"]


async def test_result_is_published_again_while_the_broker_is_away(broker: Broker) -> None:
    broker.failures = [TransientError("broker away")]

    await broker.process(returning(RESULT))

    assert broker.journal == ["publish to events", "ack"]


async def test_message_is_not_acknowledged_while_its_grave_is_away(broker: Broker) -> None:
    broker.failures = [TransientError("broker away")]

    await broker.process(raising(PermanentError("bad")))

    assert broker.journal == ["publish to dead", "ack"]


@pytest.mark.parametrize("handle", [raising(TransientError("away"), TransientError("away")), returning(RESULT)])
async def test_message_held_when_the_service_stops_gets_no_answer(broker: Broker, handle: Handler) -> None:
    broker.failures = [TransientError("broker away")]
    broker.until.set()

    await broker.process(handle)

    assert broker.journal == []


async def test_message_to_be_buried_when_the_service_stops_gets_no_answer(broker: Broker) -> None:
    broker.failures = [TransientError("broker away")]
    broker.until.set()

    await broker.process(raising(PermanentError("bad")))

    assert broker.journal == []


async def test_cancelled_handler_answers_nothing(broker: Broker) -> None:
    with pytest.raises(asyncio.CancelledError):
        await broker.process(raising(asyncio.CancelledError()))

    assert broker.journal == []


async def test_stop_ends_the_wait_before_a_message_is_given_back(broker: Broker) -> None:
    queue = replace(QUEUE, retry_delay=timedelta(hours=1))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(broker.process(raising(ValueError("bug")), queue=queue))
        await asyncio.sleep(0)
        assert broker.journal == []
        broker.until.set()
        await eventually(lambda: broker.journal == ["give back"])


def test_dead_letter_keeps_the_bytes_and_says_where_they_came_from() -> None:
    dead = dead_letter(FakeDelivery([], attempt=3), QUEUE, DEAD, "ValueError: bug")

    assert dead == Message(
        exchange="dead",
        routing_key="q",
        body=b"{}",
        message_id="1",
        content_type="application/json",
        headers={
            "trace": "7",
            process.REASON: "ValueError: bug",
            process.QUEUE: "q",
            process.ATTEMPTS: "3",
            process.ORIGINAL_EXCHANGE: "raw",
            process.ORIGINAL_ROUTING_KEY: "raw.test",
        },
    )


def test_reason_of_a_dead_letter_is_cut_to_what_a_header_can_bear() -> None:
    dead = dead_letter(FakeDelivery([]), QUEUE, DEAD, "x" * 10_000)

    assert len(dead.headers[process.REASON]) == process.REASON_CHARACTERS_MAX
