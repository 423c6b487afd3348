"""First sign of trading in a frame of one symbol's trades or best prices."""

from decimal import Decimal
from typing import NamedTuple

from google.protobuf.message import DecodeError

from shared.mexc.streams.control_frame import FrameError
from shared.mexc.streams.price import parse_price
from shared.mexc.streams.symbol_channels import channels_of, symbol_of
from shared.mexc.wire_pb2 import PushDataV3ApiWrapper


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
