"""The simulated exchange as a service. Wiring only."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import closing

import uvicorn
from starlette.applications import Starlette
from uvicorn.server import ServerState

from simulator.app import build_app
from simulator.auto_listing import list_newcomers
from simulator.connections import Server
from simulator.exchange import Exchange, build_exchange
from simulator.settings import SimulatorSettings
from simulator.stream.hub import Hub


async def serve(
    settings: SimulatorSettings,
    stop: asyncio.Event,
    *,
    on_listening: Callable[[int], None] | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> None:
    """Run the exchange until *stop* is set; *on_listening* receives the port once connections are accepted.

    *report* receives one sentence for the operator about the state file. Raises OSError when the address cannot be
    bound, and StateError when the state file cannot be used.
    """
    with closing(build_exchange(settings, report)) as exchange:
        await _serve(exchange, stop, on_listening)


async def _serve(exchange: Exchange, stop: asyncio.Event, on_listening: Callable[[int], None] | None) -> None:
    settings = exchange.settings
    connections = ServerState()
    hub = Hub(exchange, connections)
    app = build_app(exchange, hub, connections, stop)
    with socket.create_server((settings.host, settings.port), backlog=512) as listener:
        port: int = listener.getsockname()[1]
        server = Server(_config(app), connections, lambda: on_listening(port) if on_listening else None)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve(sockets=[listener]), name="simulator-http")
            pushing = tasks.create_task(hub.push(), name="simulator-push")
            listing = tasks.create_task(list_newcomers(exchange), name="simulator-newcomers")
            await stop.wait()
            server.should_exit = True
            await serving
            pushing.cancel()
            listing.cancel()


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="websockets-sansio",
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        date_header=False,  # answers carry the exchange's time
        # Hung requests are released at once when the exchange stops; this bounds all others.
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
    )
