"""HEAD requests, answered like GET without a body (RFC 9110, section 9.3.2)."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

IS_HEAD: Final = "sniper.is_head"
"""Set in the scope for the few routes that need it."""


class HeadAsGet:
    """ASGI middleware that passes HEAD on as GET. The server omits the body, as it knows the original method."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        await self._app({**scope, "method": "GET", IS_HEAD: True} if is_head else scope, receive, send)
