"""Detection: the path from source events to published sightings."""

import asyncio
from typing import Final

import structlog

from ingest.catalogue import Catalogue, Sighting
from ingest.health.anomalies import AnomalyMonitor
from ingest.output.publisher import Publisher
from ingest.output.symbol_recorder import SymbolRecorder
from ingest.source import Snapshot, SourceEvent
from ingest.stepwise import run_cooperatively
from shared.process.heartbeat import Component

log = structlog.get_logger(__name__)

_UNTIL_SENT: Final = 4
"""Turns of the event loop until a message reaches the socket: its own task, the client, the socket."""


class Detector:
    def __init__(
        self,
        catalogue: Catalogue,
        publisher: Publisher,
        recorder: SymbolRecorder,
        component: Component,
        anomalies: AnomalyMonitor,
    ) -> None:
        self._catalogue = catalogue
        self._publisher = publisher
        self._recorder = recorder
        self._component = component
        self._anomalies = anomalies
        self._turn = asyncio.Lock()
        publisher.hold.latest = catalogue.latest

    async def report(self, event: SourceEvent) -> bool:
        """Publish the new symbols of *event*; return whether it was accepted."""
        async with self._turn:
            result = await run_cooperatively(self._catalogue.observe_in_steps(event))
        # First, and without a pause: must not overwrite what is stored once a sighting is confirmed.
        self._recorder.put(result.records)
        if isinstance(event, Snapshot):
            self._publisher.hold.look_again()
        for sighting in (*result.sightings, *result.rescheduled):
            await self._publisher.publish(sighting, self._store)
        if result.sightings:
            for _ in range(_UNTIL_SENT):
                await asyncio.sleep(0)
        for sighting in (*result.sightings, *result.rescheduled):
            self._component.saw_event(sighting.observed_at)
        self._anomalies.note(event, result)
        for fault in result.faults:
            log.error("a symbol was not taken in", fault=fault)
        return result.accepted

    def _store(self, sighting: Sighting) -> None:
        # Only now: stored before publication, a symbol lost in a crash would never be new again.
        record = self._catalogue.confirm(sighting)
        if record is not None:
            self._recorder.put([record])
