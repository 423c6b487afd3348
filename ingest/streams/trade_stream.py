"""Streams of trades and best prices of symbols about to open: the first push shows that one trades."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple, Never

from google.protobuf.message import DecodeError

from ingest.health.feed_health import Feed
from ingest.source import FirstTrade, Report, Upcoming
from ingest.streams.source_metrics import SourceMetrics
from shared.events import Source
from shared.mexc.lenient_numbers import parse_price
from shared.mexc.streams.channel_assignment import assigned
from shared.mexc.streams.connection import Stream, StreamOptions
from shared.mexc.streams.control_frame import FrameError
from shared.mexc.streams.rotation import Rotation
from shared.mexc.streams.symbol_channels import (
    FRAME_BYTES_MAX,
    SYMBOLS_PER_CONNECTION,
    can_be_followed,
    channels_of,
    symbol_of,
)
from shared.mexc.wire_pb2 import PushDataV3ApiWrapper

LOOK_SECONDS: Final = 0.25


def nearest(upcoming: Iterable[Upcoming], now: datetime, at_most: int) -> list[str]:
    """Return the symbols nearest to their opening, past or to come; those without a known opening come last."""

    def distance(each: Upcoming) -> tuple[timedelta, str]:
        return (timedelta.max if each.opens_at is None else abs(each.opens_at - now)), each.symbol

    followable = [each for each in upcoming if can_be_followed(each.symbol)]
    return [each.symbol for each in sorted(followable, key=distance)[:at_most]]


class Trade(NamedTuple):
    """First sign that a symbol trades."""

    symbol: str
    price: Decimal
    """Of the newest trade, or the best ask."""


def traded_in(frame: bytes) -> Trade | None:
    """Return the trade that *frame* proves; None without one. Raise FrameError for another kind of push.

    A trade is proof, and so is a two-sided book: before the opening there are only asks.
    """
    try:
        push = PushDataV3ApiWrapper.FromString(frame)
    except DecodeError as error:
        raise FrameError(str(error)) from error
    symbol = symbol_of(push.channel)
    if push.channel not in channels_of(symbol):
        raise FrameError(f"a push of another channel: {push.channel[:60]!r}")
    match push.WhichOneof("body"):
        case "publicAggreDeals":
            newest_first = sorted(push.publicAggreDeals.deals, key=lambda deal: deal.time, reverse=True)
            prices = (parse_price(deal.price) for deal in newest_first if parse_price(deal.quantity))
            price = next((price for price in prices if price is not None), None)
        case "publicAggreBookTicker":
            book = push.publicAggreBookTicker
            has_both_sides = all(map(parse_price, (book.bidPrice, book.bidQuantity, book.askQuantity)))
            price = parse_price(book.askPrice) if has_both_sides else None
        case other:
            raise FrameError(f"neither deals nor a book: {other}")
    return None if price is None else Trade(symbol, price)


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
