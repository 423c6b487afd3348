"""Symbols and prices of a mini-tickers frame, parsed with the reduced schema."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Final

from google.protobuf.message import DecodeError

from shared.mexc.streams.control_frame import FrameError
from shared.mexc.streams.price import parse_price
from shared.mexc.symbols import all_normalised, normalise
from shared.mexc.wire_pb2 import TickerFrame, TickerSymbol

SYMBOLS_MAX: Final = 100_000
"""No exchange has as many; empty items, two bytes each, could fill a frame with millions."""


class UnreadableItemError(FrameError):
    """The frame is unreadable as a whole."""


def items_in(frame: bytes, channel: str) -> Sequence[TickerSymbol]:
    """Return the items of *frame*; raise FrameError unless it is a push of *channel*.

    Raises UnreadableItemError where one item may be to blame.
    """
    try:
        push = TickerFrame.FromString(frame)
    except DecodeError as error:
        raise UnreadableItemError(str(error)) from error
    # Protobuf parses almost any bytes as a message of unknown fields; only the channel distinguishes pushes.
    if push.channel != channel:
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
