"""Delivery of an answer to its client, with the failures of its faults."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from email.utils import formatdate

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from simulator.connections import reset, write
from simulator.faults.registry import ArmedFault
from simulator.reply import Reply

# A hung request ends with its client or with the exchange; this bounds the wait.
_HANG_SECONDS_MAX = 3_600


async def deliver(
    reply: Reply, request: Request, connections: ServerState, stop: asyncio.Event, clock_ms: Callable[[], int]
) -> Response:
    if reply.delay_seconds:
        with suppress(TimeoutError):
            async with asyncio.timeout(reply.delay_seconds):
                await stop.wait()
    if reply.hang:
        # The body has been read, so the next message is the disconnection.
        await _first_of(request.receive(), stop.wait())
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
        write(connections, request.client, _raw_response(reply, headers))
        headers["retry-after"] = reply.retry_after.strip()  # The server's own answer meets a closed connection.
    kind = _Truncated if reply.truncated else Response
    return kind(reply.body, reply.status, headers)


def _http_date(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)


async def wait_until_disarmed(faults: Iterable[ArmedFault], stop: asyncio.Event) -> None:
    """Wait until each of *faults* is disarmed or the exchange stops, even if the client has disconnected."""
    for fault in faults:
        await _first_of(fault.disarmed.wait(), stop.wait())


def _raw_response(reply: Reply, headers: dict[str, str]) -> bytes:
    """Return the answer with unchecked headers: the server would refuse to send blanks around a value."""
    lines = [f"{name}: {value}" for name, value in {**headers, "content-length": len(reply.body)}.items()]
    head = "\r\n".join([f"HTTP/1.1 {reply.status} Simulated", *lines, "connection: close", "", ""])
    return head.encode() + reply.body


class _Truncated(Response):
    """Announces the whole body and ends after half of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})


async def _first_of(*events: Awaitable[object]) -> None:
    """Wait for the first of *events*, and cancel the others."""
    waits = [asyncio.ensure_future(each) for each in events]
    try:
        await asyncio.wait(waits, timeout=_HANG_SECONDS_MAX, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
