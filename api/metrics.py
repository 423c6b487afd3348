"""Request durations, by route and status."""

import time
from typing import Final

from prometheus_client import CollectorRegistry, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS_SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

STREAM: Final = b"text/event-stream; charset=utf-8"
METHODS: Final = frozenset({"DELETE", "GET", "PATCH", "POST", "PUT"})


class RequestMetrics:
    """ASGI middleware that times every request."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._seconds = Histogram(
            "sniper_api_request_seconds",
            "Time to answer a request",
            ["method", "route", "status"],
            buckets=BUCKETS_SECONDS,
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status, is_stream = 500, False

        async def note_status(message: Message) -> None:
            nonlocal status, is_stream
            if message["type"] == "http.response.start":
                status = message["status"]
                is_stream = (b"content-type", STREAM) in message["headers"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            if not is_stream:  # A stream lasts as long as its client.
                # The route's template, and one name for unknown paths: labels must stay few.
                route = getattr(scope.get("route"), "path", "unknown")
                method = scope["method"] if route != "unknown" and scope["method"] in METHODS else "ANY"
                self._seconds.labels(method, route, status).observe(time.perf_counter() - began)
