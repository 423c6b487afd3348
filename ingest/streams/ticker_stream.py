"""Stream of all tickers: the first frame with a symbol shows that it trades."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property, partial
from itertools import islice
from time import perf_counter
from typing import Final, Never

from google.protobuf.message import DecodeError

from ingest.health.feed_health import Feed
from ingest.source import Report, SymbolNames
from ingest.streams.source_metrics import SourceMetrics
from shared.events import Source
from shared.mexc.lenient_numbers import parse_price
from shared.mexc.streams.connection import Stream, StreamOptions
from shared.mexc.streams.control_frame import FrameError
from shared.mexc.streams.rotation import Rotation
from shared.mexc.symbols import all_normalised, normalise
from shared.mexc.wire_pb2 import TickerFrame, TickerSymbol

_VARINT, _SIXTY_FOUR, _BYTES, _THIRTY_TWO = 0, 1, 2, 5
_CHANNEL: Final = 1
_TICKERS: Final = 310
_ITEMS: Final = 1
_VARINT_BYTES_MAX: Final = 10
SYMBOLS_MAX: Final = 100_000
"""No exchange has as many; empty items, two bytes each, could fill a frame with millions."""
CHANNEL: Final = "spot@public.miniTickers.v3.api.pb@UTC+8"
FRAME_BYTES_MAX: Final = 4 * 1024 * 1024
"""Thirty thousand symbols take 3 MB."""
SLICE_SYMBOLS: Final = 1_000
"""Symbols per slice: under a millisecond, ten times as long when all are new to the catalogue."""


def readable_items(frame: bytes) -> Iterator[TickerSymbol | None]:
    """Yield each item of *frame*, None in place of an unreadable one.

    Raises FrameError where the frame itself is no push of all tickers.
    """
    parts = list(_fields(frame))
    if CHANNEL.encode() not in [value for number, value in parts if number == _CHANNEL]:
        raise FrameError("a push of another channel, or of none that can be read")
    for number, tickers in parts:
        if number == _TICKERS and tickers is not None:
            for part, value in _fields(tickers):
                if part == _ITEMS and value is not None:
                    try:
                        yield TickerSymbol.FromString(value)
                    except DecodeError:
                        yield None


def _fields(message: bytes) -> Iterator[tuple[int, bytes | None]]:
    """Yield the fields of *message* by number, with the bytes of those that have any."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, kind = tag >> 3, tag & 7
        if kind == _BYTES:
            length, place = _varint(message, place)
            if place + length > len(message):
                raise FrameError("a field is longer than its message")
            yield number, message[place : place + length]
            place += length
        elif kind == _VARINT:
            _, place = _varint(message, place)
        elif kind in {_SIXTY_FOUR, _THIRTY_TWO}:
            place += 8 if kind == _SIXTY_FOUR else 4
        else:
            raise FrameError(f"no field is of the kind {kind}")


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Return the varint at *place*, and the place after it."""
    number = 0
    for count, byte in enumerate(message[place : place + _VARINT_BYTES_MAX]):
        number |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return number, place + count + 1
    raise FrameError("a number without an end")


class UnreadableItemError(FrameError):
    """The frame cannot be read as a whole; single items of it may be to blame."""


def items_in(frame: bytes) -> Sequence[TickerSymbol]:
    """Return the items of *frame*; raise FrameError unless it is a push of all tickers.

    Raises UnreadableItemError where one item may be to blame.
    """
    try:
        push = TickerFrame.FromString(frame)
    except DecodeError as error:
        raise UnreadableItemError(str(error)) from error
    # Protobuf parses almost any bytes as a message of unknown fields; only the channel distinguishes pushes.
    if push.channel != CHANNEL:
        raise FrameError(f"a push of another channel: {push.channel[:60]!r}")
    if len(push.tickers.items) > SYMBOLS_MAX:
        raise FrameError(f"{len(push.tickers.items)} symbols, more than {SYMBOLS_MAX}")
    return push.tickers.items


def names_in(items: Iterable[TickerSymbol]) -> set[str]:
    """Return their symbols. This costs five times as much as parsing."""
    names = all_normalised({item.symbol for item in items})
    names.discard("")
    return names


class TickerPrices:
    """Prices of some symbols of a frame, read when the first is requested: mostly none is."""

    def __init__(self, items: Sequence[TickerSymbol], places: range) -> None:
        self._items = items
        self._places = places
        self._is_first = True

    def __call__(self, symbol: str) -> Decimal | None:
        # Mostly one symbol is new, in the usual spelling: a search takes a fifth of the time of reading all.
        text = None
        if self._is_first:
            # Backwards: the last one counts where a symbol occurs twice.
            backwards = map(self._items.__getitem__, reversed(self._places))
            text = next((item.price for item in backwards if item.symbol == symbol), None)
            self._is_first = False
        return parse_price(self._texts.get(symbol, "") if text is None else text)

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        return {normalise(item.symbol): item.price for item in map(self._items.__getitem__, self._places)}


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
            items = items_in(push)
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
        for count, item in enumerate(islice(readable_items(push), SYMBOLS_MAX), start=1):
            if item is None:
                self._metrics.bad_items.inc()
            else:
                items.append(item)
            if count % SLICE_SYMBOLS == 0:
                await asyncio.sleep(0)
        return items
