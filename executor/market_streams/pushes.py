"""Pushes of one coin's best prices and trades, without those that make no sense. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from google.protobuf.message import DecodeError

from executor.pricing import Quote, is_plausible
from shared.mexc.lenient_numbers import parse_price
from shared.mexc.payloads import Level
from shared.mexc.streams.control_frame import FrameError
from shared.mexc.streams.symbol_channels import book_channel, deals_channel, symbol_of
from shared.mexc.wire_pb2 import PublicAggreBookTickerV3Api, PublicAggreDealsV3Api, PushDataV3ApiWrapper

OLD_DEAL_MS: Final = 1_000
"""Deals so much older than their push are history."""
_VERSION_DIGITS_MAX: Final = 30


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a push in its channel, as far as it is known."""

    version: int | None = None
    created_ms: int | None = None
    sent_ms: int | None = None

    def is_before(self, other: "Place") -> bool:
        """Return whether any of its numbers is lower than that of *other*."""
        mine = self.version, self.created_ms, self.sent_ms
        theirs = other.version, other.created_ms, other.sent_ms
        return any(ours is not None and its is not None and ours < its for ours, its in zip(mine, theirs, strict=True))


@dataclass(frozen=True, slots=True)
class BestPrices:
    """Best bid and ask of a coin, each with its quantity."""

    symbol: str
    place: Place
    quote: Quote


@dataclass(frozen=True, slots=True)
class Deals:
    """Trades of a coin since the push before."""

    symbol: str
    place: Place
    lowest: Decimal


@dataclass(frozen=True, slots=True)
class BadTick:
    """Push of a coin that nothing may be decided by."""

    symbol: str
    reason: str
    is_quote: bool = True
    """It was to show best prices: those before do not stand any more."""


Push = BestPrices | Deals | BadTick


def read(frame: bytes) -> Push:
    """Return what *frame* shows of its coin; raise FrameError where it is no push of prices or trades at all."""
    try:
        push = PushDataV3ApiWrapper.FromString(frame)
    except DecodeError as error:
        raise FrameError(str(error)) from error
    symbol = symbol_of(push.channel)
    if push.channel not in {book_channel(symbol), deals_channel(symbol)}:
        raise FrameError(f"a push of another channel: {push.channel[:60]!r}")
    if push.HasField("symbol") and push.symbol != symbol:
        return BadTick(symbol, "foreign", is_quote=push.channel == book_channel(symbol))
    kind = push.WhichOneof("body")
    if kind == "publicAggreBookTicker" and push.channel == book_channel(symbol):
        book = push.publicAggreBookTicker
        return _best_prices(symbol, book, _place(push, book.version))
    if kind == "publicAggreDeals" and push.channel == deals_channel(symbol):
        return _deals(symbol, push.publicAggreDeals, _place(push))
    raise FrameError(f"neither deals nor best prices: {kind}")


def _place(push: PushDataV3ApiWrapper, version: str = "") -> Place:
    number = int(version) if version.isascii() and version.isdigit() and len(version) <= _VERSION_DIGITS_MAX else None
    return Place(number, push.createTime or None, push.sendTime or None)


def _best_prices(symbol: str, book: PublicAggreBookTickerV3Api, place: Place) -> BestPrices | BadTick:
    texts = book.bidPrice, book.bidQuantity, book.askPrice, book.askQuantity
    if not all(texts):
        return BadTick(symbol, "empty")
    numbers = [number for text in texts if (number := parse_price(text)) is not None and is_plausible(number)]
    if len(numbers) < len(texts):
        return BadTick(symbol, "unreadable")
    bid, bid_quantity, ask, ask_quantity = numbers
    quote = Quote((Level(bid, bid_quantity),), (Level(ask, ask_quantity),))
    return BadTick(symbol, "crossed") if quote.is_crossed else BestPrices(symbol, place, quote)


def _deals(symbol: str, deals: PublicAggreDealsV3Api, place: Place) -> Deals | BadTick:
    oldest_ms = 0 if place.sent_ms is None else place.sent_ms - OLD_DEAL_MS
    recent = (deal for deal in deals.deals if not deal.time or deal.time >= oldest_ms)
    prices = [
        price
        for deal in recent
        if (price := parse_price(deal.price)) is not None and is_plausible(price) and parse_price(deal.quantity)
    ]
    return Deals(symbol, place, min(prices)) if prices else BadTick(symbol, "no_deal", is_quote=False)
