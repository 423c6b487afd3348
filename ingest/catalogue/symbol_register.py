"""Register of all symbols: the record of each, its state on the exchange, and index sets by state."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

import msgspec

from shared.mexc.symbols import split_symbol


class SymbolState(StrEnum):
    """State of a symbol on the exchange."""

    ANNOUNCED = "announced"
    """Announced by the calendar, and on no list yet; or withdrawn from the lists before it traded."""
    LISTED = "listed"
    """On a list, and not known to trade yet."""
    TRADABLE = "tradable"
    SUSPENDED = "suspended"
    """Traded before, and closed to us now."""
    GONE = "gone"
    """Confirmed as delisted; its return is a new listing."""


class SymbolRecord(msgspec.Struct, frozen=True, gc=False):
    """State of one symbol that survives a restart. The quote asset is empty where no known one fits the name.

    Without garbage collection: there are thousands, and each collection would scan them all.
    """

    symbol: str
    state: SymbolState
    base_asset: str
    quote_asset: str
    first_seen_at: datetime
    """Within this occurrence."""
    opens_at: datetime | None = None
    occurrence: int = 1
    """Number of the listing; while announced, of the coming one."""
    published: bool = False
    """Whether this occurrence was published; the baseline never is. One that is announced was withdrawn since."""
    trading_since: datetime | None = None
    """First time at which it certainly traded."""
    gone_since: datetime | None = None
    late: bool = False
    """Whether it appeared while no source watched, so that it may have traded for any time before."""
    opens_moved_from: datetime | None = None
    """Opening before the latest move that was stored; as found at the start, the table keeps it."""
    former_until: datetime | None = None
    """End of the listing before this one, at the latest; known until the next start."""

    @property
    def watched_since(self) -> datetime | None:
        """Return when it appeared under watch; None where it may have traded before."""
        return None if self.late else self.first_seen_at

    @property
    def is_shown(self) -> bool:
        """Return whether it is neither announced nor gone."""
        return self.state not in {SymbolState.ANNOUNCED, SymbolState.GONE}

    def opens_after(self, moment: datetime) -> bool:
        return self.opens_at is not None and self.opens_at > moment


def record_of_name(symbol: str, observed_at: datetime, state: SymbolState = SymbolState.LISTED) -> SymbolRecord:
    """Return a record of a symbol known by its name alone."""
    pair = split_symbol(symbol)
    base, quote = pair or (symbol, "")
    return SymbolRecord(symbol, state, base, quote, observed_at)


class SymbolRegister:
    """Records of all symbols; one that is gone stays, in that state.

    Index sets are keys of dictionaries: the garbage collector skips those, and scans a set of thousands.
    """

    def __init__(self, records: Iterable[SymbolRecord] = ()) -> None:
        self._records: dict[str, SymbolRecord] = {}
        self._shown: dict[str, None] = {}
        self._tradable: dict[str, None] = {}
        self._waiting: set[str] = set()
        self._counts: Counter[SymbolState] = Counter()
        self.records: Mapping[str, SymbolRecord] = MappingProxyType(self._records)
        self.shown: AbstractSet[str] = self._shown.keys()
        """Symbols neither announced nor gone."""
        self.tradable: AbstractSet[str] = self._tradable.keys()
        self.waiting: AbstractSet[str] = self._waiting
        """Symbols announced or shown, and not known to trade: few."""
        self.counts: Mapping[SymbolState, int] = MappingProxyType(self._counts)
        """Number of symbols in each state. May be read from other threads."""
        for each in records:
            self.put(each)

    def put(self, record: SymbolRecord) -> None:
        before = self._records.get(record.symbol)
        if before is not None:
            self._counts[before.state] -= 1
        self._records[record.symbol] = record
        self._counts[record.state] += 1
        _keep(self._shown, record.symbol, wanted=record.is_shown)
        _keep(self._tradable, record.symbol, wanted=record.state is SymbolState.TRADABLE)
        if record.state is not SymbolState.GONE and record.trading_since is None:
            self._waiting.add(record.symbol)
        else:
            self._waiting.discard(record.symbol)

    def moved_openings(self) -> Iterator[tuple[str, datetime]]:
        """Yield the shown symbols that wait for an opening that moved, each with its time before that."""
        for symbol in self.waiting & self.shown:
            moved_from = self.records[symbol].opens_moved_from
            if moved_from is not None:
                yield symbol, moved_from

    def new_among(self, symbols: Collection[str]) -> list[str]:
        """Return those of *symbols* that are not shown, sorted: their appearance is a listing."""
        return sorted(symbol for symbol in symbols if symbol not in self._shown)


def _keep(members: dict[str, None], symbol: str, *, wanted: bool) -> None:
    if wanted:
        members[symbol] = None
    else:
        members.pop(symbol, None)
