"""What a piece of evidence has led to so far."""

from datetime import datetime

from ingest.catalogue.findings import Findings, Sighting
from ingest.catalogue.known import Known
from shared.events import Source


class Draft:
    def __init__(self, source: Source, at: datetime) -> None:
        self.source = source
        self.at = at
        self.sightings: list[Sighting] = []
        self.rescheduled: list[Sighting] = []
        self.records: dict[str, Known] = {}
        self.reason = ""

    def findings(self) -> Findings:
        return Findings(
            tuple(self.sightings),
            tuple(self.rescheduled),
            tuple(self.records.values()),
            believed=not self.reason,
            reason=self.reason,
        )
