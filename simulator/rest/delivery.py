"""Carrying an answer to its client, or failing to in the way a fault asks for."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from email.utils import formatdate

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from simulator.connections import reset, write
from simulator.faults.registry import Armed
from simulator.reply import Reply

# A hung request ends with its client or with the exchange; this only bounds a wait for what never comes.
_HANG_SECONDS_MAX = 3_600


async def deliver(
    reply: Reply, request: Request, connections: ServerState, stop: asyncio.Event, clock_ms: Callable[[], int]
) -> Response:
    if reply.delay_seconds:
        await _until_stopped(stop, reply.delay_seconds)
    if reply.hang:
        await _until_left(request, stop)
    if reply.hang or reply.drop:
        reset(connections, request.client)
    headers = {"content-type": reply.content_type, "date": _http_date(clock_ms() / 1_000)}
    if reply.retry_after is not None:
        headers["retry-after"] = reply.retry_after
    if reply.retry_after_date_in is not None:
        headers["retry-after"] = _http_date(clock_ms() / 1_000 + reply.retry_after_date_in)
    if reply.redirects:
        headers["location"] = str(request.url)
    if reply.retry_after and reply.retry_after != reply.retry_after.strip():
        write(connections, request.client, _as_it_is(reply, headers))
        headers["retry-after"] = reply.retry_after.strip()  # The server's own answer meets a closed connection.
    kind = _Truncated if reply.truncated else Response
    return kind(reply.body, reply.status, headers)


def _http_date(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)


async def held(faults: Iterable[Armed], stop: asyncio.Event) -> None:
    """Until each of *faults* is disarmed, or the exchange stops; whether the client is still there does not matter."""
    for fault in faults:
        await _first_of(fault.disarmed.wait(), stop.wait())


def _as_it_is(reply: Reply, headers: dict[str, str]) -> bytes:
    """The answer with its headers unchecked: the server would refuse to send blanks around a value."""
    lines = [f"{name}: {value}" for name, value in {**headers, "content-length": len(reply.body)}.items()]
    head = "\r\n".join([f"HTTP/1.1 {reply.status} Simulated", *lines, "connection: close", "", ""])
    return head.encode() + reply.body


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
