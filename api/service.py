"""The API service. Wiring only."""

from collections.abc import Callable
from contextlib import closing

import structlog

from api import network_exposure, tls
from api.app import create_app
from api.app_state import build_app_state
from api.certificate import export_expiry
from api.server import Server, listen, url_of
from api.settings import PLAIN_ADVICE, ApiSettings, is_loopback
from api.streaming.stream_tasks import run_stream
from shared.process.heartbeat import Component, heartbeat
from shared.process.runtime import Runtime

log = structlog.get_logger()


async def serve(runtime: Runtime, settings: ApiSettings, *, on_listening: Callable[[str], None] | None = None) -> None:
    """Serve until the runtime's stop event is set; *on_listening* receives the URL once requests are accepted."""
    state = build_app_state(runtime)
    app = create_app(state, settings)
    context = tls.context_of(settings)
    export_expiry(settings.tls_certificate, runtime.telemetry.registry)
    with closing(listen(settings)) as listener:
        address = str(listener.getsockname()[0])
        if not is_loopback(address):
            await network_exposure.require_token(address, runtime)
        if settings.is_plain:
            log.warning("plain HTTP beyond the loopback: tokens can be read on their way", do=PLAIN_ADVICE)
        url = url_of(listener, tls=context is not None)

        def started() -> None:
            log.info("api listens", url=url)
            if on_listening is not None:
                on_listening(url)

        server = Server(app, runtime.stop, started, tls=context)
        runtime.telemetry.ready_when("api", lambda: server.started and not runtime.stop.is_set())
        component = Component("api")
        component.add_fact("troubles", runtime.telemetry.troubles.fact)
        async with heartbeat(component, runtime.bus), run_stream(state):
            await server.run_on(listener)
