"""From evidence to published sightings: the one path that every source's reports take."""

import asyncio
from typing import Final

import structlog

from ingest.catalogue import Catalogue, Findings, Sighting
from ingest.health.anomalies import Outlook
from ingest.output.publisher import Publisher
from ingest.output.symbol_recorder import Recorder
from ingest.source_events import Evidence
from shared.process.health import Component

log = structlog.get_logger(__name__)

_UNTIL_SENT: Final = 4
"""Turns of the loop in which a message gets to the socket: its own task's, the client's, and the socket's."""


class Detector:
    def __init__(
        self, catalogue: Catalogue, publisher: Publisher, recorder: Recorder, component: Component, outlook: Outlook
    ) -> None:
        self._catalogue = catalogue
        self._publisher = publisher
        self._recorder = recorder
        self._component = component
        self._outlook = outlook
        self._turn = asyncio.Lock()

    async def report(self, evidence: Evidence) -> bool:
        """Publish what *evidence* shows to be new; return whether it was believed."""
        async with self._turn:
            findings = await self._observed(evidence)
        # First, and without a pause: what is known once a sighting is safe must not be overwritten by this.
        self._recorder.put(findings.records)
        for sighting in (*findings.sightings, *findings.rescheduled):
            await self._publisher.publish(sighting, self._store)
        if findings.sightings:
            await _turns(_UNTIL_SENT)
        for sighting in (*findings.sightings, *findings.rescheduled):
            self._component.saw_event(sighting.observed_at)
        self._outlook.note(evidence, findings)
        for fault in findings.faults:
            log.error("a symbol was not taken in", fault=fault)
        return findings.believed

    async def _observed(self, evidence: Evidence) -> Findings:
        """A list of thousands takes longer than the loop may be held; a frame without news takes a single step."""
        steps = self._catalogue.observing(evidence)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                findings: Findings = end.value
                return findings
            await asyncio.sleep(0)

    def _store(self, sighting: Sighting) -> None:
        # Only now: stored before it was published, a symbol lost in a crash would never be new again.
        known = self._catalogue.confirm(sighting)
        if known is not None:
            self._recorder.put([known])


async def _turns(count: int) -> None:
    """Let everybody else go first."""
    for _ in range(count):
        await asyncio.sleep(0)
