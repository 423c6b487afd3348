"""Result of a source event: sightings to publish and records to store."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from ingest.catalogue.symbol_record import SymbolRecord
from ingest.source_events import PriceOf, no_price
from shared.events import Source
from shared.mexc.symbols import SymbolInfo


@dataclass(frozen=True, slots=True)
class Sighting:
    """New symbol, or new opening time of a known one, as seen by one source."""

    record: SymbolRecord
    source: Source
    observed_at: datetime
    late: bool
    not_tradable_reason: str = ""
    """Reason not to trade it; empty where it may be traded."""
    price: Decimal | None = None
    """Price at the time of the sighting, where it was shown."""
    info: SymbolInfo | None = None
    """Latest description by exchangeInfo since the start."""


@dataclass(frozen=True, slots=True)
class ObservationResult:
    sightings: tuple[Sighting, ...] = ()
    """To publish; each symbol is stored once its sighting is confirmed."""
    rescheduled: tuple[Sighting, ...] = ()
    """Symbols seen before whose opening moved: to publish again, and to store in the same way."""
    records: Collection[SymbolRecord] = ()
    """To store now, without anything to publish."""
    accepted: bool = True
    """Rejected events change nothing: the source keeps its last snapshot and polls again."""
    reason: str = ""
    """Reason of the rejection."""
    faults: tuple[str, ...] = ()
    """Errors over single symbols; the others were processed."""


UNCHANGED: Final = ObservationResult()
EMPTY_ANSWER: Final = ObservationResult(accepted=False, reason="empty: not a single symbol")


class ResultBuilder:
    def __init__(self, source: Source, at: datetime, price_of: PriceOf = no_price) -> None:
        self.source = source
        self.at = at
        self.price_of = price_of
        self.sightings: list[Sighting] = []
        self.rescheduled: list[Sighting] = []
        self.records: dict[str, SymbolRecord] = {}
        self.reason = ""
        self.faults: list[str] = []

    def build(self) -> ObservationResult:
        return ObservationResult(
            tuple(self.sightings),
            tuple(self.rescheduled),
            self.records.values() if self.records else (),
            accepted=not self.reason,
            reason=self.reason,
            faults=tuple(self.faults),
        )
