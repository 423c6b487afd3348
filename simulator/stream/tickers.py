"""Mini tickers of all tradable symbols, each serialised again only when its price moves."""

import heapq

from simulator.market.price import next_change_ms
from simulator.stream.frames import repeated_item, ticker_item
from simulator.symbols.catalogue import Catalogue
from simulator.symbols.instrument import Instrument


class TickerBoard:
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._version = -1
        self._shown: dict[str, Instrument] = {}
        self._due: list[tuple[int, str]] = []
        self.items: dict[str, bytes] = {}

    def refresh(self, now_ms: int) -> list[bytes]:
        """Return the items changed since the last call: all on the first, newcomers once they trade."""
        self._catalogue.advance(now_ms)
        stale = set[str]()
        if self._version != self._catalogue.version:
            stale = self._refresh_catalogue(now_ms)
        while self._due and self._due[0][0] <= now_ms:
            symbol = heapq.heappop(self._due)[1]
            if symbol in self._shown:
                stale.add(symbol)
        return [self._renew(self._shown[symbol], now_ms) for symbol in stale]

    def _refresh_catalogue(self, now_ms: int) -> set[str]:
        self._version = self._catalogue.version
        tradable = {each.symbol: each for each in self._catalogue.all_tradable(now_ms)}
        for symbol in self._shown.keys() - tradable.keys():
            self.items.pop(symbol, None)
        stale = {symbol for symbol, each in tradable.items() if self._shown.get(symbol) is not each}
        self._shown = tradable
        return stale

    def _renew(self, instrument: Instrument, now_ms: int) -> bytes:
        item = repeated_item(ticker_item(instrument, now_ms))
        self.items[instrument.symbol] = item
        heapq.heappush(self._due, (next_change_ms(instrument, now_ms), instrument.symbol))
        return item
