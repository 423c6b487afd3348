"""HEAD: what GET would answer, without its body (RFC 9110, section 9.3.2)."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

IS_HEAD: Final = "sniper.is_head"
"""Set in the scope for those few to whom it matters."""


class HeadAsGet:
    """Let routes that know GET answer HEAD too. The server leaves the body out, because it knows what was asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        await self._app({**scope, "method": "GET", IS_HEAD: True} if is_head else scope, receive, send)
