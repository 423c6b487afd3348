"""Feeds of single symbols: trades and quotes since the last frame of each."""

from collections.abc import Collection

from simulator.market.book import NOTHING, Level, Side
from simulator.market.market import Market
from simulator.market.price import trades_between
from simulator.stream.channels import Channel, Feed
from simulator.stream.frames import book_ticker_frame, deals_frame
from simulator.symbols import Instrument


class SymbolFeeds:
    def __init__(self, market: Market) -> None:
        self._market = market
        self._dealt_ms: dict[Channel, int] = {}
        self._quoted: dict[Channel, tuple[Level, Level]] = {}

    def keep(self, channels: Collection[Channel]) -> None:
        """Forget the channels without subscribers."""
        for forgotten in self._dealt_ms.keys() - channels:
            del self._dealt_ms[forgotten]
        for forgotten in self._quoted.keys() - channels:
            del self._quoted[forgotten]

    def frame(self, channel: Channel, now_ms: int, sent_ms: int) -> bytes | None:
        """Return the next frame; None when there is nothing new."""
        instrument = self._market.catalogue.listed(channel.symbol or "", now_ms)
        if instrument is None:
            return None
        if channel.feed is Feed.DEALS:
            return self.deals(channel, instrument, now_ms, sent_ms)
        return self.quote(channel, instrument, now_ms, sent_ms)

    def deals(self, channel: Channel, instrument: Instrument, now_ms: int, sent_ms: int) -> bytes | None:
        """Return the trades since the last frame; None without any."""
        since_ms = self._dealt_ms.get(channel, now_ms - 1)
        self._dealt_ms[channel] = now_ms
        if not instrument.tradable(now_ms):
            return None
        trades = list(trades_between(instrument, since_ms, now_ms))
        return deals_frame(channel.name, instrument.symbol, trades, sent_ms) if trades else None

    def quote(self, channel: Channel, instrument: Instrument, now_ms: int, sent_ms: int) -> bytes | None:
        """Return the best bid and ask; None if they are those of the last frame."""
        bid = next(self._market.levels(instrument, Side.BUY, now_ms), NOTHING)
        ask = next(self._market.levels(instrument, Side.SELL, now_ms), NOTHING)
        if self._quoted.get(channel) == (bid, ask):
            return None
        self._quoted[channel] = (bid, ask)
        return book_ticker_frame(channel.name, instrument.symbol, (bid, ask), sent_ms)
