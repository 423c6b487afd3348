"""Publications: sightings and records that follow from an event, and what the broker has confirmed of them."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from datetime import datetime
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from ingest.catalogue.plausibility.thresholds import FRESH_FOR
from ingest.catalogue.symbol_register import SymbolRecord
from ingest.source import PriceOf, no_price
from ingest.stepwise import Steps, difference
from shared.events import Source
from shared.mexc.symbols import SymbolInfo

TradeFilter = Callable[[SymbolRecord], str]
"""Returns why a symbol is not to be traded; empty where it may be."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """New symbol, or new opening time of a known one, as seen by one source."""

    record: SymbolRecord
    source: Source
    observed_at: datetime
    not_tradable_reason: str = ""
    """Reason not to trade it; empty where it may be traded."""
    price: Decimal | None = None
    """Price at the time of the sighting, where it was shown."""
    info: SymbolInfo | None = None
    """Latest description by exchangeInfo since the start."""

    @property
    def late(self) -> bool:
        """Return whether the symbol appeared while no source watched."""
        return self.record.late

    @property
    def is_late_first(self) -> bool:
        """Return whether it may be the first to be published of what appeared while no source watched."""
        return self.record.late and not self.record.published

    @property
    def lacks_description(self) -> bool:
        """Return whether only a description by exchangeInfo, which is missing, can show that it has just opened."""
        if self.info is not None or not self.is_late_first:
            return False
        return self.record.opens_at is None or self.observed_at - self.record.opens_at > FRESH_FOR


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


@dataclass(slots=True, eq=False)
class ResultBuilder:
    source: Source
    at: datetime
    price_of: PriceOf = no_price
    sightings: list[Sighting] = field(default_factory=list)
    rescheduled: list[Sighting] = field(default_factory=list)
    records: dict[str, SymbolRecord] = field(default_factory=dict)
    reason: str = ""
    faults: list[str] = field(default_factory=list)

    def build(self) -> ObservationResult:
        return ObservationResult(
            tuple(self.sightings),
            tuple(self.rescheduled),
            self.records.values() if self.records else (),
            accepted=not self.reason,
            reason=self.reason,
            faults=tuple(self.faults),
        )


class PublicationTracker:
    """Sources that have reported each listing. A listing is stored only after its first report is confirmed."""

    def __init__(self, baseline: Iterable[str], trade_filter: TradeFilter) -> None:
        self._trade_filter = trade_filter
        self._baseline_symbols = set(baseline)
        self._reported: defaultdict[Source, set[str]] = defaultdict(set)
        self._unconfirmed: dict[str, int] = {}
        """Occurrence of each listing without a confirmed report."""
        self._moved_from: dict[str, SymbolRecord] = {}
        """Records before their opening moved: stored like this until the reschedule is confirmed."""

    def is_reported(self, source: Source, symbol: str) -> bool:
        """Return whether *source* has reported *symbol*, or need not because it belongs to the baseline."""
        return symbol in self._baseline_symbols or symbol in self._reported[source]

    def is_reported_by_any(self, symbol: str) -> bool:
        """Return whether any source has reported *symbol* since the start."""
        return any(symbol in reported for reported in self._reported.values())

    def unreported(self, source: Source, symbols: AbstractSet[str]) -> AbstractSet[str]:
        """Return the *symbols* that *source* has yet to report."""
        return symbols - self._baseline_symbols - self._reported[source]

    def unreported_in_steps(self, source: Source, symbols: AbstractSet[str]) -> Steps[AbstractSet[str]]:
        return (yield from difference(symbols, self._baseline_symbols)) - self._reported[source]

    def add_baseline(self, symbol: str) -> None:
        """Mark *symbol* as known, so that no source reports it."""
        self._baseline_symbols.add(symbol)

    def begin_listing(self, record: SymbolRecord) -> None:
        """Begin a listing, which every source reports."""
        self._unconfirmed[record.symbol] = record.occurrence

    def end_listing(self, symbol: str) -> None:
        """End the listing of *symbol*; its return is a new one."""
        for symbols in (self._baseline_symbols, *self._reported.values()):
            symbols.discard(symbol)
        self._moved_from.pop(symbol, None)

    def sighting(self, builder: ResultBuilder, record: SymbolRecord, info: SymbolInfo | None) -> Sighting:
        """Return the sighting of *record* by the source of *builder*; *info* describes the symbol."""
        symbol = record.symbol
        self._reported[builder.source].add(symbol)
        objection, price = self._trade_filter(record), builder.price_of(symbol)
        return Sighting(record, builder.source, builder.at, objection, price, info)

    def latest(self, sighting: Sighting, record: SymbolRecord, info: SymbolInfo | None) -> Sighting:
        """Return *sighting* as it is by now, where *record* is of the same listing; without its price of then."""
        objection = self._trade_filter(record)
        return replace_fields(sighting, record=record, not_tradable_reason=objection, info=info, price=None)

    def opening_moved(self, before: SymbolRecord) -> None:
        """Keep *before* as the record to store until the moved opening is confirmed."""
        self._moved_from.setdefault(before.symbol, before)

    def is_published(self, record: SymbolRecord) -> bool:
        """Return whether the listing is published, or about to be."""
        return record.published or record.symbol in self._unconfirmed

    def confirm(self, sighting: Sighting, record: SymbolRecord) -> bool:
        """Record that *sighting* is confirmed; return whether it belongs to the current listing of *record*."""
        symbol = record.symbol
        if self._unconfirmed.get(symbol) == sighting.record.occurrence:
            del self._unconfirmed[symbol]
        if sighting.record.occurrence != record.occurrence:
            return False
        if sighting.record.opens_at == record.opens_at:
            self._moved_from.pop(symbol, None)
        return True

    def storable(self, record: SymbolRecord) -> SymbolRecord | None:
        """Return *record* as it may be stored, without unconfirmed changes; None where nothing may be stored."""
        if record.symbol in self._unconfirmed:
            return None
        before = self._moved_from.get(record.symbol, record)
        # Stored as trading, it would have no opening to publish at the next start.
        return replace(record, opens_at=before.opens_at, trading_since=before.trading_since)
