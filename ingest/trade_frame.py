"""The first sign of trading in a frame of one symbol's deals or best prices."""

from decimal import Decimal, InvalidOperation

from google.protobuf.message import DecodeError

from ingest.control_frame import FrameError
from shared.mexc.wire_pb2 import PublicAggreBookTickerV3Api, PublicAggreDealsV3Api, PushDataV3ApiWrapper


def channels_of(symbol: str) -> frozenset[str]:
    """Return the channels whose first push proves that *symbol* trades, at the shortest interval there is."""
    return frozenset(f"spot@public.aggre.{kind}.v3.api.pb@10ms@{symbol}" for kind in ("deals", "bookTicker"))


def symbol_of(channel: str) -> str:
    return channel.rpartition("@")[2]


def traded_in(frame: bytes) -> str | None:
    """Return the symbol that *frame* proves to trade, if it does; raise FrameError where it is no push of its kind.

    A deal is proof, and so is a book with both sides: before the opening there are only asks.
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
            trades = _holds_a_deal(push.publicAggreDeals)
        case "publicAggreBookTicker":
            trades = _has_both_sides(push.publicAggreBookTicker)
        case other:
            raise FrameError(f"neither deals nor a book: {other}")
    return symbol if trades else None


def _holds_a_deal(deals: PublicAggreDealsV3Api) -> bool:
    return any(_is_positive(deal.price) and _is_positive(deal.quantity) for deal in deals.deals)


def _has_both_sides(book: PublicAggreBookTickerV3Api) -> bool:
    return all(map(_is_positive, (book.bidPrice, book.bidQuantity, book.askPrice, book.askQuantity)))


def _is_positive(number: str) -> bool:
    try:
        return Decimal(number) > 0
    except InvalidOperation:
        return False
