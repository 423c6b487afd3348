"""Which source has reported which symbol, and what of it is safe."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from ingest.catalogue.result import Draft, Sighting
from ingest.catalogue.symbol_record import Known
from ingest.cooperative import Steps, without
from shared.events import Source
from shared.mexc.symbols import SymbolInfo

Objection = Callable[[Known], str]
"""Says why a symbol is not to be traded; empty where it may be."""


class Reports:
    """Each source reports a listing once; it is stored only after its first report is safe."""

    def __init__(self, settled: Iterable[str], object_to: Objection) -> None:
        self._object_to = object_to
        self._settled = set(settled)
        self._told: defaultdict[Source, set[str]] = defaultdict(set)
        self._late: set[str] = set()
        self._unconfirmed: dict[str, int] = {}
        """The occurrences of which no report is safe."""
        self._moved_from: dict[str, Known] = {}
        """Symbols as they were before an opening moved: stored like this while the news of it is not safe."""

    def is_told(self, source: Source, symbol: str) -> bool:
        """Tell whether *source* need not report *symbol*: it did, or it is not new to anyone."""
        return symbol in self._settled or symbol in self._told[source]

    def untold(self, source: Source, symbols: AbstractSet[str]) -> AbstractSet[str]:
        """Return which of *symbols* the *source* is to report."""
        return symbols - self._settled - self._told[source]

    def untold_of_many(self, source: Source, symbols: AbstractSet[str]) -> Steps[AbstractSet[str]]:
        return (yield from without(symbols, self._settled)) - self._told[source]

    def settle(self, symbol: str) -> None:
        """Let *symbol* be new to nobody."""
        self._settled.add(symbol)

    def begin(self, known: Known, *, late: bool) -> None:
        """A listing begins: everybody reports it."""
        symbol = known.symbol
        self._unconfirmed[symbol] = known.occurrence
        if late:
            self._late.add(symbol)
        else:
            self._late.discard(symbol)

    def end(self, symbol: str) -> None:
        """*symbol* is gone; should it return, that is new to all."""
        for told in (self._settled, *self._told.values()):
            told.discard(symbol)
        self._late.discard(symbol)
        self._moved_from.pop(symbol, None)

    def sighting(self, draft: Draft, known: Known, info: SymbolInfo | None) -> Sighting:
        """Return what the source of *draft* reports of *known*, which *info* describes."""
        symbol = known.symbol
        self._told[draft.source].add(symbol)
        is_late, objection = symbol in self._late, self._object_to(known)
        return Sighting(known, draft.source, draft.at, is_late, objection, draft.price_of(symbol), info)

    def moved(self, before: Known) -> None:
        """The opening is no longer that of *before*, which is what is stored until the news is safe."""
        self._moved_from.setdefault(before.symbol, before)

    def is_published(self, known: Known) -> bool:
        """Whether the listing is told to others, or about to be."""
        return known.published or known.symbol in self._unconfirmed

    def confirm(self, sighting: Sighting, known: Known) -> bool:
        """Take note that *sighting* is safe; return whether it told of the listing that *known* is in."""
        symbol = known.symbol
        if self._unconfirmed.get(symbol) == sighting.known.occurrence:
            del self._unconfirmed[symbol]
        if sighting.known.occurrence != known.occurrence:
            return False
        if sighting.known.opens_at == known.opens_at:
            self._moved_from.pop(symbol, None)
        return True

    def storable(self, known: Known) -> Known | None:
        """Return *known* as it may be stored: not ahead of what is safe."""
        if known.symbol in self._unconfirmed:
            return None
        before = self._moved_from.get(known.symbol, known)
        # Stored as trading, it would have no opening to publish at the next start.
        return replace(known, opens_at=before.opens_at, trading_since=before.trading_since)
