"""Websocket of the client library, whose errors become LostError."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

QUEUED_FRAMES_MAX: Final = 16
"""Beyond it the exchange has to wait: nothing is dropped, and memory is bounded."""


class LostError(Exception):
    """The connection is lost or useless."""


async def open_socket(url: str, *, open_seconds: float, frame_bytes_max: int) -> ClientConnection:
    """Open a websocket to *url*; raise LostError."""
    with _lost():
        return await connect(
            url,
            open_timeout=open_seconds,
            close_timeout=1,
            # The exchange sends PINGs of its own, and our stall timeout shows whether the connection lives.
            ping_interval=None,
            max_size=frame_bytes_max,
            max_queue=QUEUED_FRAMES_MAX,
            # Without compression a frame cannot expand.
            compression=None,
            proxy=None,
        )


async def next_frame(socket: ClientConnection, until: float) -> str | bytes | None:
    """Return the next frame, or None at *until*, a time of the loop's clock; raise LostError."""
    try:
        async with asyncio.timeout_at(until):
            with _lost():
                return await socket.recv()
    except TimeoutError:
        return None


async def send(socket: ClientConnection, text: str, *, seconds: float) -> None:
    """Send *text* within *seconds*; raise LostError."""
    with _lost():
        async with asyncio.timeout(seconds):
            await socket.send(text)


@contextmanager
def _lost() -> Iterator[None]:
    """Translate errors of the network into LostError."""
    try:
        yield
    except (OSError, TimeoutError, WebSocketException) as error:
        raise LostError(str(error) or type(error).__name__) from error
