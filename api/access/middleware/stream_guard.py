"""Guard of streaming responses: each is ended soon after its credential becomes invalid."""

import time
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.types import Message, Send

RECHECK_SECONDS: Final = 10.0


class AccessEndedError(OSError):
    """The response was ended; to the application this is a disconnected client."""


class GuardedSend:
    """An ASGI ``send`` that checks a credential again while sending."""

    def __init__(self, send: Send, holds: Callable[[], Awaitable[bool]]) -> None:
        self._send = send
        self._holds = holds
        self._due = time.monotonic() + RECHECK_SECONDS
        self.ended = False

    async def __call__(self, message: Message) -> None:
        """Send *message*; raise AccessEndedError once access has ended."""
        if self.ended:
            raise AccessEndedError
        if message["type"] == "http.response.body" and message.get("more_body") and time.monotonic() >= self._due:
            self._due = time.monotonic() + RECHECK_SECONDS
            if not await self._holds():
                self.ended = True
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
                raise AccessEndedError
        await self._send(message)
