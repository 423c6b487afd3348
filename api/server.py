"""Uvicorn within our process: with our socket, signal handling and shutdown."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from api.access.middleware.connection import HEAD_BYTES_MAX, LimitedConnection
from api.settings import ApiSettings
from shared.errors import SettingsError

BACKLOG: Final = 128
FINISH_SECONDS: Final = 1
KEEP_ALIVE_SECONDS: Final = 15


def listen(settings: ApiSettings) -> socket.socket:
    """Return a socket bound to the address; raise SettingsError naming the wrong variable."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        of_port = error.errno in {errno.EADDRINUSE, errno.EACCES}
        variable = "SNIPER_API_PORT" if of_port else "SNIPER_API_HOST"
        reason = error.strerror or "no such address"
        raise SettingsError(f"{variable}: cannot listen on {settings.host}:{settings.port}: {reason}") from None


def url_of(listener: socket.socket, *, tls: bool) -> str:
    """Return the URL for clients."""
    host, port = listener.getsockname()[:2]
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class Server(uvicorn.Server):
    """Serves until *stop*; idle connections do not delay the shutdown."""

    def __init__(
        self, app: ASGIApp, stop: asyncio.Event, on_started: Callable[[], None], *, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(_config(app, tls))
        self._stop = stop
        self._on_started = on_started

    async def run_on(self, listener: socket.socket) -> None:
        """Serve; close all connections even when cancelled."""
        try:
            await self.serve(sockets=[listener])
        except asyncio.CancelledError:
            if self.started:
                await self.shutdown(sockets=[listener])
            raise
        finally:
            listener.close()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process, which sets the stop event."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._stop.is_set()


def _config(app: ASGIApp, tls: ssl.SSLContext | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=LimitedConnection,
        ssl_context_factory=None if tls is None else lambda *_: tls,
        ws="none",
        lifespan="off",
        log_config=None,
        # Errors are logged once, by us.
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=FINISH_SECONDS,
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
    )
