"""Register of all symbols, with index sets by state."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType

from ingest.catalogue.symbol_record import SymbolRecord, SymbolState


class SymbolRegister:
    """Records of all symbols; one that is gone stays, in that state.

    Index sets are keys of dictionaries: the garbage collector skips those, and scans a set of thousands.
    """

    def __init__(self, records: Iterable[SymbolRecord] = ()) -> None:
        self._known: dict[str, SymbolRecord] = {}
        self._shown: dict[str, None] = {}
        self._tradable: dict[str, None] = {}
        self._waiting: set[str] = set()
        self._counts: Counter[SymbolState] = Counter()
        for each in records:
            self.put(each)

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._known

    def get(self, symbol: str) -> SymbolRecord | None:
        return self._known.get(symbol)

    def __getitem__(self, symbol: str) -> SymbolRecord:
        return self._known[symbol]

    def put(self, record: SymbolRecord) -> None:
        before = self._known.get(record.symbol)
        if before is not None:
            self._counts[before.state] -= 1
        self._known[record.symbol] = record
        self._counts[record.state] += 1
        _keep(self._shown, record.symbol, wanted=record.is_shown)
        _keep(self._tradable, record.symbol, wanted=record.state is SymbolState.TRADABLE)
        if record.state is not SymbolState.GONE and record.trading_since is None:
            self._waiting.add(record.symbol)
        else:
            self._waiting.discard(record.symbol)

    @property
    def shown(self) -> AbstractSet[str]:
        """Symbols neither announced nor gone."""
        return self._shown.keys()

    @property
    def tradable(self) -> AbstractSet[str]:
        return self._tradable.keys()

    @property
    def waiting(self) -> AbstractSet[str]:
        """Symbols announced or shown, and not known to trade: few."""
        return self._waiting

    @property
    def counts(self) -> Mapping[SymbolState, int]:
        """Number of symbols in each state. May be read from other threads."""
        return MappingProxyType(self._counts)

    def new_among(self, symbols: Collection[str]) -> list[str]:
        """Return those of *symbols* that are not shown, sorted: their appearance is a listing."""
        return sorted(symbol for symbol in symbols if symbol not in self._shown)


def _keep(members: dict[str, None], symbol: str, *, wanted: bool) -> None:
    if wanted:
        members[symbol] = None
    else:
        members.pop(symbol, None)
