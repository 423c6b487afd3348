"""Streams of trades and best prices of symbols about to open: the first push shows that one trades."""

import asyncio
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Final, Never

from ingest.health.feed_health import Feed
from ingest.source import Report
from ingest.source_events import FirstTrade, Upcoming
from ingest.streams.nearest_openings import nearest
from ingest.streams.source_metrics import SourceMetrics
from ingest.streams.trade_frame import traded_in
from shared.events import Source
from shared.mexc.streams.channel_assignment import assigned
from shared.mexc.streams.connection import Stream, StreamOptions
from shared.mexc.streams.rotation import Rotation
from shared.mexc.streams.symbol_channels import FRAME_BYTES_MAX, SYMBOLS_PER_CONNECTION, channels_of

LOOK_SECONDS: Final = 0.25


class TradeStreams:
    """Follows the symbols nearest to their opening, on as many connections as needed and allowed."""

    name: Final = Source.MEXC_WEBSOCKET

    def __init__(
        self,
        options: StreamOptions,
        connections_max: int,
        upcoming: Callable[[], Sequence[Upcoming]],
        feed: Feed,
        metrics: SourceMetrics,
    ) -> None:
        """*feed* receives data as long as every wanted symbol is covered, none at all included."""
        self._options = options
        self._upcoming = upcoming
        self._feed = feed
        self._metrics = metrics
        self._assignments = (frozenset[str](),) * connections_max
        """Symbols of each connection; one without any is not opened."""
        self._channels = self._assignments
        self._reported: set[str] = set()
        """Accepted as trading, and still among the upcoming ones."""

    async def watch(self, report: Report) -> Never:
        take = partial(self.take, report)
        streams = [
            Stream("trades", partial(self._channels_of, number), take, FRAME_BYTES_MAX, is_quiet=True)
            for number in range(len(self._assignments))
        ]
        rotations = [Rotation(stream, self._options, self._feed, self._metrics.streams) for stream in streams]
        async with asyncio.TaskGroup() as tasks:
            for number, rotation in enumerate(rotations):
                tasks.create_task(rotation.run(), name=f"trades-{number}")
            while True:
                self.assign()
                if all(rotation.covers_channels() for rotation in rotations):
                    self._feed.received()
                await asyncio.sleep(LOOK_SECONDS)
        raise AssertionError

    def _channels_of(self, number: int) -> AbstractSet[str]:
        return self._channels[number]

    def assign(self) -> None:
        """Assign the symbols nearest to their opening to connections."""
        wanted = nearest(self._upcoming(), self._options.now(), SYMBOLS_PER_CONNECTION * len(self._assignments))
        self._assignments = assigned(self._assignments, wanted, SYMBOLS_PER_CONNECTION)
        self._channels = tuple(frozenset[str]().union(*map(channels_of, symbols)) for symbols in self._assignments)
        self._reported.intersection_update(wanted)
        self._metrics.followed.set(len(wanted))

    async def take(self, report: Report, push: bytes) -> bool:
        """Report the symbol that *push* proves to trade, unless that was accepted before."""
        observed_at = self._options.now()
        trade = traded_in(push)
        if trade is None or trade.symbol in self._reported:
            return True
        if not any(trade.symbol in symbols for symbols in self._assignments):
            return True
        if await report(FirstTrade(self.name, observed_at, trade.symbol, trade.price)):
            self._reported.add(trade.symbol)
        return True
