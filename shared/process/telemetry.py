"""Telemetry of a process: logs, metrics, liveness and readiness."""

import asyncio
import errno
import importlib.metadata
import logging
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, TextIO, cast

import structlog
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from shared.errors import SettingsError
from shared.process import library_logs
from shared.process.log_troubles import Troubles
from shared.process.redaction import Redaction
from shared.settings import TelemetrySettings

BEAT_SECONDS: Final = 0.5
LOOP_STUCK_SECONDS: Final = 10.0
_LAG_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)

ReadyCheck = Callable[[], bool]
"""Called from another thread, so it only reads a flag."""


class Telemetry:
    """Metrics registry of one process, and the checks behind /readyz."""

    def __init__(self, awaits: Iterable[str] = ()) -> None:
        """Begin as not ready: each of *awaits* is missing until `ready_when` gives it a check."""
        # They double the series without any use here. The library can disable them only per process.
        cast("Callable[[], None]", disable_created_metrics)()
        self.registry = CollectorRegistry()
        self.troubles = Troubles()
        """Recent warnings and errors, where logging is configured by `serve`."""
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        build = Gauge("sniper_build_info", "1, with the version that runs.", ["version"], registry=self.registry)
        build.labels(importlib.metadata.version("mexc-listing-sniper")).set(1)
        ready = Gauge(
            "sniper_ready",
            "1 while /readyz answers well; 0 while the process waits for what it depends on.",
            registry=self.registry,
        )
        ready.set_function(lambda: not self.not_ready())
        self._loop_lag = Histogram(
            "sniper_loop_lag_seconds",
            "How much later than asked for the event loop came back, asked twice a second.",
            buckets=_LAG_SECONDS,
            registry=self.registry,
        )
        self._ready_checks: dict[str, ReadyCheck] = dict.fromkeys(awaits, lambda: False)
        self._beat_at = time.monotonic()

    def ready_when(self, what: str, check: ReadyCheck) -> None:
        """Count the process as ready only while *check* holds."""
        self._ready_checks[what] = check

    def not_ready(self) -> list[str]:
        """Return the names of failing checks."""
        return [what for what, check in self._ready_checks.items() if not check()]

    def is_alive(self) -> bool:
        """Return whether the event loop ran lately."""
        return time.monotonic() - self._beat_at < LOOP_STUCK_SECONDS

    async def beat(self) -> None:
        """Record that the event loop runs, and its lag, until cancelled."""
        while True:
            began = self._beat_at = time.monotonic()
            await asyncio.sleep(BEAT_SECONDS)
            self._loop_lag.observe(max(0.0, time.monotonic() - began - BEAT_SECONDS))


@asynccontextmanager
async def serve(
    settings: TelemetrySettings, secrets: Collection[str] = frozenset(), *, awaits: Iterable[str] = ()
) -> AsyncIterator[tuple[Telemetry, int]]:
    """Serve /metrics, /livez and /readyz from a thread of their own; yield the telemetry and the port in use.

    In a thread, because a stuck event loop cannot report itself. No log line shows any of *secrets*. /readyz names
    each of *awaits* as missing from its first answer on, until `Telemetry.ready_when` gives it a check.
    """
    telemetry = Telemetry(awaits)
    configure_logging(settings, secrets, telemetry.troubles)
    address = (settings.metrics_host, settings.metrics_port)
    try:
        server = (_ServerOverIpv6 if ":" in address[0] else ThreadingHTTPServer)(address, partial(_Handler, telemetry))
    except OSError as error:
        of_port = error.errno in {errno.EADDRINUSE, errno.EACCES}
        variable = "SNIPER_METRICS_PORT" if of_port else "SNIPER_METRICS_HOST"
        raise SettingsError(f"{variable}: cannot listen on {address[0]}:{address[1]}: {error.strerror}") from None
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="telemetry", daemon=True)
    thread.start()
    beat = asyncio.create_task(telemetry.beat(), name="telemetry-beat")
    try:
        yield telemetry, server.server_address[1]
    finally:
        beat.cancel()
        await asyncio.to_thread(server.shutdown)
        server.server_close()


class _ServerOverIpv6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, telemetry: Telemetry, *request: Any) -> None:
        self._telemetry = telemetry
        super().__init__(*request)  # Answers the request.

    def do_HEAD(self) -> None:
        """As GET, without the body."""
        self.do_GET()

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/metrics":
                encode, content_type = choose_encoder(self.headers.get("Accept", ""))
                self._answer(200, encode(self._telemetry.registry), content_type)
            case "/livez":
                self._answer_lines(["ok"] if self._telemetry.is_alive() else [], "event loop stuck")
            case "/readyz":
                missing = self._telemetry.not_ready()
                self._answer_lines([] if missing else ["ok"], f"waiting for: {', '.join(missing)}")
            case _:
                self._answer(404, b"not found\n")

    def _answer_lines(self, good: list[str], otherwise: str) -> None:
        self._answer(200 if good else 503, f"{good[0] if good else otherwise}\n".encode())

    def _answer(self, status: int, body: bytes, content_type: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Scrapes are not logged."""


class _StandardError:
    """Standard error at the time of writing: a screen may redirect it while it draws."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure_logging(
    settings: TelemetrySettings, secrets: Collection[str] = frozenset(), troubles: Troubles | None = None
) -> None:
    """Write structured logs, including the libraries', to standard error: for people on a terminal or as JSON.

    No line shows any of *secrets*; *troubles* counts warnings and errors.
    """
    shared_processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Without the local variables of a traceback, which may hold a secret.
        structlog.processors.format_exc_info,
        Redaction(secrets),
    ]
    last: structlog.typing.Processor
    if settings.log_format == "json":
        last = structlog.processors.JSONRenderer()
    else:
        plain = structlog.dev.plain_traceback
        last = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
    structlog.configure(
        processors=[*shared_processors, *([] if troubles is None else [troubles]), last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _StandardError())),
        cache_logger_on_first_use=False,
    )
    library_logs.redirect()
