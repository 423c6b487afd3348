"""The simulated exchange as a service. Wiring only."""

import asyncio
import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette
from uvicorn.server import ServerState

from simulator.app import build_app
from simulator.connections import Server
from simulator.exchange import build
from simulator.newcomers import list_newcomers
from simulator.settings import SimulatorSettings
from simulator.stream.hub import Hub


async def serve(
    settings: SimulatorSettings, stop: asyncio.Event, *, on_listening: Callable[[int], None] | None = None
) -> None:
    """Run the exchange until *stop* is set; *on_listening* is told the port once it takes connections.

    Raises OSError when the address cannot be bound.
    """
    exchange = build(settings)
    connections = ServerState()
    hub = Hub(exchange, connections)
    app = build_app(exchange, hub, connections, stop)
    with socket.create_server((settings.host, settings.port), backlog=512) as listener:
        port: int = listener.getsockname()[1]
        server = Server(_config(app), connections, lambda: on_listening(port) if on_listening else None)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve(sockets=[listener]), name="simulator-http")
            pushing = tasks.create_task(hub.push(), name="simulator-push")
            listing = tasks.create_task(list_newcomers(exchange, exchange.now_ms), name="simulator-newcomers")
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
        # Hung requests are let go at once when the exchange stops; this bounds what else is open.
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
    )
