"""API: what people and programs ask over HTTP. Wiring only."""

from collections.abc import Callable

import structlog

from api.app import create_app
from api.server import Server, listen, url_of
from api.settings import ApiSettings
from shared.health import Component, heartbeat
from shared.runtime import Runtime

log = structlog.get_logger()


async def serve(runtime: Runtime, settings: ApiSettings, *, on_listening: Callable[[str], None] | None = None) -> None:
    """Answer until the runtime's stop event is set; *on_listening* is told the URL once it answers."""
    app = create_app(runtime.database, runtime.telemetry.registry)
    listener = listen(settings)
    url = url_of(listener)

    def started() -> None:
        log.info("api listens", url=url)
        if on_listening is not None:
            on_listening(url)

    server = Server(app, runtime.stop, started)
    runtime.telemetry.ready_when("api", lambda: server.started and not runtime.stop.is_set())
    async with heartbeat(Component("api"), runtime.bus):
        await server.run_on(listener)
