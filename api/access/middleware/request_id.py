"""An id for each request: in its response, in every log line about it, and in what it writes."""

import secrets
from typing import Final

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID: Final = "sniper.request_id"
HEADER: Final = b"x-request-id"


class RequestIds:
    """ASGI middleware that gives each request an id of our own making, 32 hexadecimal digits."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = scope[REQUEST_ID] = secrets.token_hex(16)

        header = (HEADER, request_id.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        # The server gives each request a context of its own, so there is nothing to take back.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        await self._app(scope, receive, send_with_id)


async def request_id(request: Request) -> str:
    """Return the id of the request; a dependency of routes."""
    return str(request.scope[REQUEST_ID])
