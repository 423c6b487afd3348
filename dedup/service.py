"""Dedup: one event for every listing, however often it is seen. Wiring only."""

from collections.abc import Sequence

from dedup.handler import Deduplicate
from dedup.ledger import ClaimCache, Ledger
from dedup.metrics import ClockSkew, Metrics
from dedup.observations import Observations
from dedup.settings import DedupSettings
from dedup.unannounced import republishing
from shared.bus.port import Message
from shared.events import HealthStatus, Listing, RawListing, utc_now
from shared.postgres.batch import BatchLimits, batching
from shared.process.heartbeat import Component, heartbeat
from shared.process.runtime import Runtime
from shared.wire import topology
from shared.wire.canary import from_message, passed_on, to_message
from shared.wire.topology import DEDUP_RAW, message_handler


async def _pass_on(message: Message) -> Sequence[Message]:
    """Pass a canary on; it is no sighting, and is neither claimed nor counted."""
    return [to_message(passed_on(from_message(message), utc_now()))]


async def serve(runtime: Runtime, settings: DedupSettings) -> None:
    """Deduplicate raw listings until the runtime's stop event is set."""
    component, metrics = Component("dedup"), Metrics(runtime.telemetry.registry)
    component.add_fact("troubles", runtime.telemetry.troubles.fact)
    skew = ClockSkew(settings.clock_skew_seconds_max, runtime.telemetry.registry)
    ledger = Ledger(runtime.database, meanwhile=topology.to_message)
    claims = ClaimCache(settings.remembered_keys_max)
    write = Observations(runtime.database, metrics).write
    limits = BatchLimits(settings.observations_batch_rows_max, settings.observations_window_seconds)
    runtime.telemetry.ready_when("dedup", lambda: not runtime.stop.is_set())
    async with (
        heartbeat(component, runtime.bus),
        republishing(runtime.database, runtime.bus),
        batching("observations", write, limits) as observations,
    ):
        deduplicate = Deduplicate(ledger, claims, observations.add, metrics, skew)

        async def handle(raw: RawListing) -> Sequence[Listing]:
            component.saw_event(utc_now())
            try:
                return await deduplicate(raw)
            finally:
                concern = skew.concern()
                component.set(HealthStatus.DEGRADED if concern else HealthStatus.RUNNING, concern)

        await runtime.bus.consume(DEDUP_RAW, message_handler(RawListing, handle, canaries=_pass_on), until=runtime.stop)
