"""Stream of all tickers: the first frame with a symbol shows that it trades."""

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import islice
from time import perf_counter
from typing import Final, Never

from ingest.health.feed_health import Feed
from ingest.source import Report
from ingest.source_events import SymbolNames
from ingest.streams.frame_salvage import readable_items
from ingest.streams.source_metrics import SourceMetrics
from ingest.streams.ticker_frame import SYMBOLS_MAX, TickerPrices, UnreadableItemError, items_in, names_in
from shared.events import Source
from shared.mexc.streams.connection import Stream, StreamOptions
from shared.mexc.streams.rotation import Rotation
from shared.mexc.wire_pb2 import TickerSymbol

CHANNEL: Final = "spot@public.miniTickers.v3.api.pb@UTC+8"
FRAME_BYTES_MAX: Final = 4 * 1024 * 1024
"""Thirty thousand symbols take 3 MB."""
SLICE_SYMBOLS: Final = 1_000
"""Symbols per slice: under a millisecond, ten times as long when all are new to the catalogue."""


class TickerStream:
    """Follows the tickers over rotating connections."""

    name: Final = Source.MEXC_WEBSOCKET

    def __init__(self, options: StreamOptions, feed: Feed, metrics: SourceMetrics) -> None:
        self._options = options
        self._feed = feed
        self._metrics = metrics

    async def watch(self, report: Report) -> Never:
        stream = Stream("tickers", lambda: frozenset({CHANNEL}), partial(self.take, report), FRAME_BYTES_MAX)
        await Rotation(stream, self._options, self._feed, self._metrics.streams).run()

    async def take(self, report: Report, push: bytes) -> bool:
        """Report the symbols in *push*; return whether there were any: an empty frame is no sign of life."""
        observed_at, started = self._options.now(), perf_counter()
        try:
            items = items_in(push, CHANNEL)
        except UnreadableItemError:
            items = await self._salvaged(push)
        parse_seconds = perf_counter() - started
        if len(items) > SLICE_SYMBOLS:
            await asyncio.sleep(0)
        # Not cut into lists: thousands of live items trigger the garbage collector, for 40 ms.
        unread, has_symbols = iter(items), False
        for first in range(0, len(items), SLICE_SYMBOLS):
            started = perf_counter()
            symbols = names_in(islice(unread, SLICE_SYMBOLS))
            names_seconds = perf_counter() - started
            has_symbols = has_symbols or bool(symbols)
            prices = TickerPrices(items, range(first, min(first + SLICE_SYMBOLS, len(items))))
            await report(SymbolNames(self.name, observed_at, symbols, complete=False, price_of=prices))
            # Observed after the report, since it takes as long as parsing.
            self._metrics.decode_seconds.labels("names").observe(names_seconds)
            await asyncio.sleep(0)
        self._metrics.decode_seconds.labels("parse").observe(parse_seconds)
        if has_symbols:
            self._feed.received()
        return has_symbols

    async def _salvaged(self, push: bytes) -> Sequence[TickerSymbol]:
        """Read *push* item by item: an unreadable item costs itself alone."""
        items: list[TickerSymbol] = []
        for count, item in enumerate(islice(readable_items(push, CHANNEL), SYMBOLS_MAX), start=1):
            if item is None:
                self._metrics.bad_items.inc()
            else:
                items.append(item)
            if count % SLICE_SYMBOLS == 0:
                await asyncio.sleep(0)
        return items
