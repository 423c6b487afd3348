"""API: what people and programs ask over HTTP. Wiring only."""

from collections.abc import Callable
from contextlib import closing

import structlog

from api import exposure, tls
from api.app import create_app
from api.certificate import show_expiry
from api.parts import parts_of
from api.server import Server, listen, url_of
from api.settings import ApiSettings
from api.streaming.running import streaming
from shared.process.health import Component, heartbeat
from shared.process.runtime import Runtime

log = structlog.get_logger()


async def serve(runtime: Runtime, settings: ApiSettings, *, on_listening: Callable[[str], None] | None = None) -> None:
    """Answer until the runtime's stop event is set; *on_listening* is told the URL once it answers."""
    parts = parts_of(runtime)
    app = create_app(parts, settings)
    context = tls.context_of(settings)
    show_expiry(settings.tls_certificate, runtime.telemetry.registry)
    with closing(listen(settings)) as listener:
        await exposure.require_token(listener, runtime)
        url = url_of(listener, tls=context is not None)

        def started() -> None:
            log.info("api listens", url=url)
            if on_listening is not None:
                on_listening(url)

        server = Server(app, runtime.stop, started, tls=context)
        runtime.telemetry.ready_when("api", lambda: server.started and not runtime.stop.is_set())
        component = Component("api")
        component.add_fact("troubles", runtime.telemetry.troubles.fact)
        async with heartbeat(component, runtime.bus), streaming(parts):
            await server.run_on(listener)
