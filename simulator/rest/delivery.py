"""Carrying an answer to its client, or failing to in the way a fault asks for."""

import asyncio
from collections.abc import Coroutine, Iterable
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from simulator.connections import reset
from simulator.faults import Armed
from simulator.reply import Reply

# A hung request ends with its client or with the exchange; this only bounds a wait for what never comes.
_HANG_SECONDS_MAX = 3_600


async def deliver(reply: Reply, request: Request, connections: ServerState, stop: asyncio.Event) -> Response:
    if reply.delay_seconds:
        await _until_stopped(stop, reply.delay_seconds)
    if reply.hang:
        await _until_left(request, stop)
    if reply.hang or reply.drop:
        reset(connections, request.client)
    headers = {"content-type": reply.content_type}
    if reply.retry_after_seconds is not None:
        headers["retry-after"] = str(reply.retry_after_seconds)
    if reply.redirects:
        headers["location"] = str(request.url)
    kind = _Truncated if reply.truncated else Response
    return kind(reply.body, reply.status, headers)


async def held(faults: Iterable[Armed], stop: asyncio.Event) -> None:
    """Until each of *faults* is disarmed, or the exchange stops; whether the client is still there does not matter."""
    for fault in faults:
        await _first_of(fault.disarmed.wait(), stop.wait())


class _Truncated(Response):
    """Promises the whole body and ends after half of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})


async def _until_stopped(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _until_left(request: Request, stop: asyncio.Event) -> None:
    """Until the client disconnects or the exchange stops."""
    await _first_of(_left(request), stop.wait())


async def _first_of(*events: Coroutine[object, object, object]) -> None:
    waits = [asyncio.create_task(each, name="simulator-waits") for each in events]
    try:
        await asyncio.wait(waits, timeout=_HANG_SECONDS_MAX, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()


async def _left(request: Request) -> None:
    """The body has been read, so the next message is the disconnection."""
    await request.receive()
