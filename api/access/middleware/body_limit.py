"""Limits on the size and duration of request bodies, which hold a few fields only."""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.error_handlers import ApiError

BODY_BYTES_MAX: Final = 64 * 1024
BODY_SECONDS_MAX: Final = 10.0
ANNOUNCING: Final = frozenset({b"content-length", b"transfer-encoding"})
"""A request with neither has no body; one with both is refused before."""


class BodyLimit:
    """ASGI middleware that reads the whole body before calling the application, which may stream its response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = next((value for name, value in scope["headers"] if name in ANNOUNCING), None)
        if announced is None:
            await self._app(scope, receive, send)
            return
        if announced.isdigit() and int(announced) > BODY_BYTES_MAX:
            raise _too_large()
        body = await read_body(receive)
        if body is None:
            return  # The client disconnected.
        unread = [body]

        async def receive_read() -> Message:
            return {"type": "http.request", "body": unread.pop(), "more_body": False} if unread else await receive()

        await self._app(scope, receive_read, send)


async def read_body(receive: Receive) -> bytes | None:
    """Return the body; None if the client disconnected before its end. Raises ApiError if it is too large or slow."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > BODY_BYTES_MAX:
                    raise _too_large()
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        raise _refused(408, "body_too_slow", f"the body took longer than {BODY_SECONDS_MAX:g} s") from None


def _too_large() -> ApiError:
    return _refused(413, "body_too_large", f"the body is larger than {BODY_BYTES_MAX} bytes")


def _refused(status: int, code: str, message: str) -> ApiError:
    # The rest of the body is not read, so the connection cannot be used again.
    return ApiError(status, code, message, headers={"Connection": "close"})
