"""Security headers of every response."""

from collections.abc import Sequence
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

DIRECTIVES: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
)
CONTENT_SECURITY_POLICY: Final = "; ".join(DIRECTIVES)
ALWAYS: Final[Sequence[tuple[str, str]]] = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
UNCACHED: Final = (b"cache-control", b"no-store")
"""Default for responses without a caching header."""
_RAW: Final = tuple((name.lower().encode(), value.encode()) for name, value in ALWAYS)


class SecurityHeaders:
    """ASGI middleware that adds the security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message.get("headers", ())
                says_how_to_cache = any(name.lower() == UNCACHED[0] for name, _ in own)
                message["headers"] = [*own, *_RAW] if says_how_to_cache else [*own, *_RAW, UNCACHED]
            await send(message)

        await self._app(scope, receive, send_with_headers)
