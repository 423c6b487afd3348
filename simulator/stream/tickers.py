"""Mini tickers of all tradable symbols, each serialised again only when its price moves."""

import heapq
from collections.abc import Iterable

from simulator.market.price import next_change_ms
from simulator.stream.channels import Channel, Feed
from simulator.stream.frames import repeated_item, ticker_frame, ticker_item, tickers_frame
from simulator.symbols import Catalogue, Instrument


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
        for symbol in stale:
            instrument = self._shown[symbol]
            self.items[symbol] = repeated_item(ticker_item(instrument, now_ms))
            heapq.heappush(self._due, (next_change_ms(instrument, now_ms), symbol))
        return [self.items[symbol] for symbol in stale]

    def _refresh_catalogue(self, now_ms: int) -> set[str]:
        self._version = self._catalogue.version
        tradable = {each.symbol: each for each in self._catalogue.all_tradable(now_ms)}
        for symbol in self._shown.keys() - tradable.keys():
            self.items.pop(symbol, None)
        stale = {symbol for symbol, each in tradable.items() if self._shown.get(symbol) is not each}
        self._shown = tradable
        return stale

    def frame(self, channel: Channel, items: Iterable[bytes], now_ms: int, sent_ms: int) -> bytes | None:
        """Return a frame of *items*, or of the channel's own symbol; None if that does not trade."""
        if channel.feed is Feed.MINI_TICKERS:
            return tickers_frame(channel.name, items, sent_ms)
        instrument = self._catalogue.listed(channel.symbol or "", now_ms)
        if instrument is None or not instrument.tradable(now_ms):
            return None
        return ticker_frame(channel.name, ticker_item(instrument, now_ms), sent_ms)
