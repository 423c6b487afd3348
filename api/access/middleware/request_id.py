"""Request ids: in the response, in every log line of the request, and in the rows it writes."""

import secrets
from typing import Final

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID: Final = "sniper.request_id"
HEADER: Final = b"x-request-id"


class RequestIds:
    """ASGI middleware that assigns each request a random id of 32 hexadecimal digits."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = scope[REQUEST_ID] = secrets.token_hex(16)

        header = (HEADER, request_id.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        # The server runs each request in its own context, so nothing needs to be unbound.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        await self._app(scope, receive, send_with_id)


async def request_id(request: Request) -> str:
    """Return the id of the request; a dependency of routes."""
    return str(request.scope[REQUEST_ID])
