"""Bodies of requests: small, and sent soon, as everything that can be written here is a few fields."""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.error_handlers import ApiError

BODY_BYTES_MAX: Final = 64 * 1024
BODY_SECONDS_MAX: Final = 10.0
ANNOUNCING: Final = frozenset({b"content-length", b"transfer-encoding"})
"""A request with neither has no body; one with both does not come this far."""


class BodyLimit:
    """ASGI middleware that has the whole body before what is behind it begins; what is behind it may stream."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = next((value for name, value in scope["headers"] if name in ANNOUNCING), None)
        if announced is None:
            await self._app(scope, receive, send)
            return
        if announced.isdigit() and int(announced) > BODY_BYTES_MAX:
            raise _too_large()
        body = await _whole(receive)
        if body is None:
            return  # The client went away.
        unread = [body]

        async def receive_read() -> Message:
            return {"type": "http.request", "body": unread.pop(), "more_body": False} if unread else await receive()

        await self._app(scope, receive_read, send)


async def _whole(receive: Receive) -> bytes | None:
    """Return the body; None where the client left before its end. Raises ApiError where it is too large or slow."""
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
