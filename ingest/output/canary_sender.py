"""Canaries, sent at intervals; the persister measures their arrival."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Never

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from shared.bus.port import Bus
from shared.errors import TransientError
from shared.events import utc_now
from shared.wire.canary import Canary, to_message

log = structlog.get_logger(__name__)

STANDBY_SECONDS: Final = 1.0
"""Interval at which a standby process looks whether it watches."""


@asynccontextmanager
async def sending_canaries(
    bus: Bus, registry: CollectorRegistry, *, every_seconds: float, watches: Callable[[], bool]
) -> AsyncIterator[None]:
    """Send a canary at once and then every *every_seconds*, while this process *watches*; none where that is 0.

    A standby process sends none: it would hide that events of the watching one do not come through.
    """
    Gauge(
        "sniper_ingest_canary_interval_seconds",
        "Between two canaries as it is set; 0 where none are sent.",
        registry=registry,
    ).set(every_seconds)
    if not every_seconds:
        yield
        return
    sending = asyncio.create_task(_send(bus, registry, every_seconds, watches), name="canaries")
    try:
        yield
    finally:
        sending.cancel()
        await asyncio.wait([sending])


async def _send(bus: Bus, registry: CollectorRegistry, every_seconds: float, watches: Callable[[], bool]) -> Never:
    canaries = Counter(
        "sniper_ingest_canaries_total",
        "Canaries sent through the broker to the persister, by whether the broker took them.",
        ["result"],
        registry=registry,
    )
    while True:
        if not watches():
            await asyncio.sleep(min(every_seconds, STANDBY_SECONDS))
            continue
        try:
            await bus.publish(to_message(Canary(id=uuid.uuid4().hex, sent_at=utc_now())))
            canaries.labels("published").inc()
        except TransientError as error:
            canaries.labels("failed").inc()
            log.debug("a canary was not sent", reason=str(error))
        except Exception:
            # Without canaries, the pipeline would pass for broken.
            canaries.labels("failed").inc()
            log.exception("a canary was not sent")
        await asyncio.sleep(every_seconds)
