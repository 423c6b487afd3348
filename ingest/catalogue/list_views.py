"""View of each symbol by the lists: the tradable names by API, and the descriptions by exchangeInfo."""

from collections.abc import Set as AbstractSet

from ingest.catalogue.transitions import Access, is_open
from ingest.stepwise import Steps, difference
from shared.mexc.symbols import SymbolInfo


class ListViews:
    """The latest lists since the start."""

    def __init__(self) -> None:
        self.infos: dict[str, SymbolInfo] = {}
        """Descriptions of symbols that are not gone."""
        self._names: AbstractSet[str] | None = None
        self._unnamed: set[str] = set()
        """Names that left the list of tradable names."""

    def access(self, symbol: str) -> Access:
        """Return the access to *symbol* that the lists show."""
        info = self.infos.get(symbol)
        opened = None if info is None else is_open(info)
        if self._names is not None and symbol in self._names:
            return Access(named=True, open=opened)
        return Access(named=False if symbol in self._unnamed else None, open=opened)

    def is_closed(self, symbol: str) -> bool:
        """Return whether exchangeInfo showed *symbol* last as one that takes no orders."""
        info = self.infos.get(symbol)
        return info is not None and is_open(info) is False

    def take_names(self, names: AbstractSet[str], before: AbstractSet[str]) -> Steps[set[str]]:
        """Take *names* for the tradable ones; return those that changed since the last, or since *before* at first."""
        before = before if self._names is None else self._names
        self._names = names
        left = yield from difference(before, names)
        joined = yield from difference(names, before)
        self._unnamed = (self._unnamed | left) - joined
        return left | joined

    def forget(self, symbol: str) -> None:
        """Forget the description of *symbol*, which is gone, and that its name was there."""
        self.infos.pop(symbol, None)
        self._unnamed.discard(symbol)
