"""What follows from a piece of evidence."""

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
    """One source saw one new symbol, or a new opening time of one seen before."""

    record: SymbolRecord
    source: Source
    observed_at: datetime
    late: bool
    not_tradable_reason: str = ""
    """Why it is not to be traded; empty where it may be."""
    price: Decimal | None = None
    """What it cost when it was seen, where that was shown."""
    info: SymbolInfo | None = None
    """As exchangeInfo described it last, if it has since the start."""


@dataclass(frozen=True, slots=True)
class ObservationResult:
    sightings: tuple[Sighting, ...] = ()
    """To publish; the symbol is to be stored once that is confirmed."""
    rescheduled: tuple[Sighting, ...] = ()
    """Symbols sighted before whose opening time moved: to publish again, and to store in the same way."""
    records: Collection[SymbolRecord] = ()
    """To store now: there is nothing to publish about them."""
    accepted: bool = True
    """Where it was not, whoever reported it keeps the old truth and asks again."""
    reason: str = ""
    """Why it was not believed."""
    faults: tuple[str, ...] = ()
    """What went wrong with single symbols; the others were taken in."""


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
