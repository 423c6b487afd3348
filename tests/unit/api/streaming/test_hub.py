import asyncio
from typing import Any

import pytest
from starlette.types import Message

from api.error_handlers import ApiError
from api.streaming.endpoint import EventStream
from api.streaming.frames import frame, frame_of
from api.streaming.hub import FRAMES_MAX, Hub
from tests.waiting import eventually


def a_hub() -> Hub:
    hub = Hub()
    hub.begin(7)
    return hub


def test_a_frame_is_a_server_sent_event() -> None:
    assert frame("listing", b'{"id":1}', 42) == b'id: 42\nevent: listing\ndata: {"id":1}\n\n'
    assert frame("held", b"[]") == b"event: held\ndata: []\n\n"


def test_no_text_ends_a_frame_early() -> None:
    made = frame_of("halt", {"reason": "one\ntwo\r\nthree\u2028"})

    assert made.count(b"\n") == 3
    assert b"\r" not in made


async def test_every_subscriber_gets_the_very_same_bytes() -> None:
    hub, event = a_hub(), b"event: listing\ndata: {}\n\n"
    subscribers = [hub.subscribe() for _ in range(50)]
    hub.publish(8, event)

    assert all([await each.next() is not None for each in subscribers])
    assert hub.position == 8


async def test_one_that_is_too_slow_is_let_go_and_no_other() -> None:
    hub = a_hub()
    slow, quick = hub.subscribe(), hub.subscribe()
    for _ in range(FRAMES_MAX + 1):
        hub.send(b"x")
        await quick.next()

    assert (slow.too_slow, slow.ended.is_set(), quick.ended.is_set()) == (True, True, False)
    assert (hub.subscribers, hub.dropped) == (1, 1)


async def test_later_subscribers_get_each_state_as_it_was_shown_last() -> None:
    hub = a_hub()
    first = hub.subscribe()
    for number in (b"1", b"2"):
        hub.show("health", number)
    hub.show("held", b"3")

    assert hub.states() == b"23"
    hub.unsubscribe(first)
    hub.subscribe()
    assert hub.states() == b""


async def test_a_hub_that_is_closed_ends_everything_and_begins_nothing() -> None:
    hub = a_hub()
    subscriber = hub.subscribe()
    hub.close()

    assert subscriber.ended.is_set()
    with pytest.raises(ApiError, match="stopping"):
        hub.subscribe()


async def test_a_stream_whose_client_does_not_read_ends_without_waiting_for_it() -> None:
    hub, sent = a_hub(), list[Message]()
    reads = asyncio.Event()

    async def send(message: Message) -> None:
        sent.append(message)
        if len(sent) > 3:
            await reads.wait()  # The client stops reading.

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    database: Any = None
    scope = {"type": "http", "method": "GET"}
    streaming = asyncio.create_task(EventStream(database, hub, None, 1)(scope, receive, send))
    await eventually(lambda: hub.subscribers == 1 and len(sent) == 3)
    for _ in range(FRAMES_MAX + 2):
        hub.send(b"x")
        await asyncio.sleep(0)

    await asyncio.wait_for(streaming, timeout=5)
    assert hub.dropped == 1


async def test_a_stream_ends_when_its_client_goes() -> None:
    hub = a_hub()
    gone = asyncio.Event()

    async def send(_: Message) -> None:
        return

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    database: Any = None
    scope = {"type": "http", "method": "GET"}
    streaming = asyncio.create_task(EventStream(database, hub, None, 1)(scope, receive, send))
    await eventually(lambda: hub.subscribers == 1)
    gone.set()

    await asyncio.wait_for(streaming, timeout=5)
    assert hub.subscribers == 0
