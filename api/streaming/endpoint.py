"""The stream as a bare ASGI response, so that fifty open pages cost other requests nothing."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.head_requests import IS_HEAD
from api.reading.reader import READ_SECONDS_MAX
from api.streaming import event_rows
from api.streaming.frames import OPENING, frame_of
from api.streaming.hub import Hub, Subscriber
from shared.errors import TransientError
from shared.postgres.database import Database

MEDIA_TYPE: Final = "text/event-stream"
KNOWN_SECONDS_MAX: Final = 5.0
_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class EventStream(Response):
    """Events from now on, preceded by those since *resumed_from*."""

    media_type = MEDIA_TYPE

    def __init__(self, database: Database, hub: Hub, resumed_from: int | None, token_id: int) -> None:
        super().__init__()
        self._database = database
        self._hub = hub
        self._resumed_from = resumed_from
        self._token_id = token_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send frames until the client disconnects or is too slow, or the stream ends."""
        if scope.get(IS_HEAD):
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await send({"type": "http.response.body", "body": b""})
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(KNOWN_SECONDS_MAX):
                await self._hub.position_known.wait()
        if not self._hub.position_known.is_set():
            raise TransientError("database away: the stream has not been read yet")
        subscriber = self._hub.subscribe(self._token_id)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await _first_to_end(
                self._sent(subscriber, send),
                _disconnected(receive),
                subscriber.ended.wait(),
            )
            if not subscriber.too_slow:
                await send({"type": "http.response.body", "body": b""})
        except OSError:
            return  # The client has disconnected, or its access has ended.
        finally:
            self._hub.unsubscribe(subscriber)

    async def _sent(self, subscriber: Subscriber, send: Send) -> None:
        """Send missed events, the current position, and then all new frames."""

        async def sent(frames: bytes) -> None:
            await send({"type": "http.response.body", "body": frames, "more_body": True})

        await sent(OPENING)
        try:
            await sent(await self._missed(subscriber))
        except (TransientError, TimeoutError):
            # The client reconnects, and resumes from the same position.
            await sent(frame_of("database", {"reachable": False}))
            return
        while True:
            await sent(await subscriber.next())

    async def _missed(self, subscriber: Subscriber) -> bytes:
        """Return the events between the client's last one and its first new one, and every state."""
        missed = b""
        if self._resumed_from is not None:
            limit = asyncio.timeout(READ_SECONDS_MAX)
            async with self._hub.resuming, limit, self._database.connection() as connection:
                missed = await event_rows.missed_frames(connection, self._resumed_from, subscriber.position)
        hello = frame_of("hello", {"position": subscriber.position}, subscriber.position)
        return missed + hello + self._hub.states()


async def _disconnected(receive: Receive) -> None:
    """Wait until the client disconnects."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _first_to_end(*parts: Coroutine[Any, Any, object]) -> None:
    """Wait until one of *parts* ends, and cancel the others; raise its exception."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()
