"""What a piece of evidence has led to so far."""

from datetime import datetime

from ingest.catalogue.findings import Findings, Sighting
from ingest.catalogue.known import Known
from ingest.evidence import PriceOf, no_price
from shared.events import Source


class Draft:
    def __init__(self, source: Source, at: datetime, price_of: PriceOf = no_price) -> None:
        self.source = source
        self.at = at
        self.price_of = price_of
        self.sightings: list[Sighting] = []
        self.rescheduled: list[Sighting] = []
        self.records: dict[str, Known] = {}
        self.reason = ""
        self.faults: list[str] = []

    def findings(self) -> Findings:
        return Findings(
            tuple(self.sightings),
            tuple(self.rescheduled),
            self.records.values() if self.records else (),
            believed=not self.reason,
            reason=self.reason,
            faults=tuple(self.faults),
        )
