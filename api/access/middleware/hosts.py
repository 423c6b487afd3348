"""Refusal of requests for another host, and of ambiguous ones, before any other processing."""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.origins import Origins
from api.error_handlers import ApiError

SINGLE: Final = frozenset(
    {b"authorization", b"content-length", b"content-type", b"cookie", b"host", b"origin", b"sec-fetch-site"}
)
"""Headers that a proxy and this server might interpret differently if repeated."""


class TrustedRequests:
    """ASGI middleware that passes only unambiguous requests for this host."""

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        names = [name for name, _ in scope["headers"]]
        if b"transfer-encoding" in names and b"content-length" in names:
            raise _ambiguous("Transfer-Encoding and Content-Length")
        for name in SINGLE.intersection(names):
            if names.count(name) > 1:
                raise _ambiguous(f"{name.decode()} twice")
        self._origins.require_host(Headers(scope=scope))
        await self._app(scope, receive, send)


def _ambiguous(what: str) -> ApiError:
    return ApiError(400, "ambiguous", f"the request has {what}", headers={"Connection": "close"})
