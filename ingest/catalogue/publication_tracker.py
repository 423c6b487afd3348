"""Which source has reported which symbol, and what of it is safe."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from ingest.catalogue.result import ResultBuilder, Sighting
from ingest.catalogue.symbol_record import SymbolRecord
from ingest.cooperative import Steps, difference
from shared.events import Source
from shared.mexc.symbols import SymbolInfo

TradeFilter = Callable[[SymbolRecord], str]
"""Says why a symbol is not to be traded; empty where it may be."""


class PublicationTracker:
    """Each source reports a listing once; it is stored only after its first report is safe."""

    def __init__(self, baseline: Iterable[str], trade_filter: TradeFilter) -> None:
        self._trade_filter = trade_filter
        self._baseline_symbols = set(baseline)
        self._reported: defaultdict[Source, set[str]] = defaultdict(set)
        self._late: set[str] = set()
        self._unconfirmed: dict[str, int] = {}
        """The occurrences of which no report is safe."""
        self._moved_from: dict[str, SymbolRecord] = {}
        """Symbols as they were before an opening moved: stored like this while the news of it is not safe."""

    def is_reported(self, source: Source, symbol: str) -> bool:
        """Tell whether *source* need not report *symbol*: it did, or it is not new to anyone."""
        return symbol in self._baseline_symbols or symbol in self._reported[source]

    def unreported(self, source: Source, symbols: AbstractSet[str]) -> AbstractSet[str]:
        """Return which of *symbols* the *source* is to report."""
        return symbols - self._baseline_symbols - self._reported[source]

    def unreported_in_steps(self, source: Source, symbols: AbstractSet[str]) -> Steps[AbstractSet[str]]:
        return (yield from difference(symbols, self._baseline_symbols)) - self._reported[source]

    def add_baseline(self, symbol: str) -> None:
        """Let *symbol* be new to nobody."""
        self._baseline_symbols.add(symbol)

    def begin_listing(self, record: SymbolRecord, *, late: bool) -> None:
        """A listing begins: everybody reports it."""
        symbol = record.symbol
        self._unconfirmed[symbol] = record.occurrence
        if late:
            self._late.add(symbol)
        else:
            self._late.discard(symbol)

    def end_listing(self, symbol: str) -> None:
        """*symbol* is gone; should it return, that is new to all."""
        for stated in (self._baseline_symbols, *self._reported.values()):
            stated.discard(symbol)
        self._late.discard(symbol)
        self._moved_from.pop(symbol, None)

    def sighting(self, builder: ResultBuilder, record: SymbolRecord, info: SymbolInfo | None) -> Sighting:
        """Return what the source of *builder* reports of *record*, which *info* describes."""
        symbol = record.symbol
        self._reported[builder.source].add(symbol)
        is_late, objection = symbol in self._late, self._trade_filter(record)
        return Sighting(record, builder.source, builder.at, is_late, objection, builder.price_of(symbol), info)

    def opening_moved(self, before: SymbolRecord) -> None:
        """The opening is no longer that of *before*, which is what is stored until the news is safe."""
        self._moved_from.setdefault(before.symbol, before)

    def is_published(self, record: SymbolRecord) -> bool:
        """Whether the listing is told to others, or about to be."""
        return record.published or record.symbol in self._unconfirmed

    def confirm(self, sighting: Sighting, record: SymbolRecord) -> bool:
        """Take note that *sighting* is safe; return whether it told of the listing that *record* is in."""
        symbol = record.symbol
        if self._unconfirmed.get(symbol) == sighting.record.occurrence:
            del self._unconfirmed[symbol]
        if sighting.record.occurrence != record.occurrence:
            return False
        if sighting.record.opens_at == record.opens_at:
            self._moved_from.pop(symbol, None)
        return True

    def storable(self, record: SymbolRecord) -> SymbolRecord | None:
        """Return *record* as it may be stored: not ahead of what is safe."""
        if record.symbol in self._unconfirmed:
            return None
        before = self._moved_from.get(record.symbol, record)
        # Stored as trading, it would have no opening to publish at the next start.
        return replace(record, opens_at=before.opens_at, trading_since=before.trading_since)
