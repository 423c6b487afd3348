"""Market filters: run-up, spread and depth of the market that a purchase is about to be sent to. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext

from executor.model import CAREFUL, Reason, Refusal
from executor.pricing import is_plausible, plausible
from executor.settings import EntrySettings
from shared.events import TradingRules
from shared.mexc.payloads import Level, OrderBook


@dataclass(frozen=True, slots=True)
class MarketSnapshot:
    reference: Decimal | None
    """The price of the coin; see reference_price."""
    book: OrderBook | None = None
    """Needed where a filter on spread, depth or run-up is set."""
    first_price: Decimal | None = None
    """Of the first trade; needed where a filter on run-up is set."""
    last: Decimal | None = None
    """Of the last trade, where it was read: the exchange's price protection goes by it."""


@dataclass(frozen=True, slots=True)
class RereadResult:
    """Rules and last price that were read again after a refusal; None where the request failed."""

    rules: TradingRules | None
    last: Decimal | None = None
    """The price of the last trade, where the price was refused."""


def reference_price(listing_price: Decimal | None, book: OrderBook | None) -> Decimal | None:
    """Return the price of the coin in the frame that showed it, else its best ask."""
    return _best(book.asks) if listing_price is None and book is not None else listing_price


def filter_refusal(market: MarketSnapshot, price_max: Decimal | None, settings: EntrySettings) -> Refusal | None:
    """Return the filter that forbids an order up to *price_max*; a filter without data forbids it, too."""
    if not settings.is_gated:
        return None
    with localcontext(CAREFUL):
        return (
            run_up_refusal(market, settings.run_up_pct_max)
            or spread_refusal(market.book, settings.spread_pct_max)
            or depth_refusal(market.book, price_max, settings.depth_usdt_min)
        )


def run_up_refusal(market: MarketSnapshot, pct_max: Decimal | None) -> Refusal | None:
    """Judge the rise of the price since the first trade, as a share of that trade's price."""
    if pct_max is None:
        return None
    asked = None if market.book is None else _best(market.book.asks)
    prices = [price for price in (market.reference, asked) if price is not None]
    first = market.first_price
    if first is None or not prices or not all(map(is_plausible, (first, *prices))):
        return Refusal(Reason.RUN_UP, "the rise is unknown")
    risen = max(prices) - first
    if risen * 100 > first * pct_max:
        return Refusal(Reason.RUN_UP, f"{risen * 100 / first:.1f} %")
    return None


def spread_refusal(book: OrderBook | None, pct_max: Decimal | None) -> Refusal | None:
    """Judge the distance between best bid and best ask, as a share of the price in their middle."""
    if pct_max is None:
        return None
    bid, ask = (None, None) if book is None else (_best(book.bids), _best(book.asks))
    if bid is None or ask is None or bid > ask:
        return Refusal(Reason.SPREAD, "the spread is unknown")
    middle = (bid + ask) / 2
    if (ask - bid) * 100 > middle * pct_max:
        return Refusal(Reason.SPREAD, f"{(ask - bid) * 100 / middle:.1f} %")
    return None


def depth_refusal(book: OrderBook | None, price_max: Decimal | None, usdt_min: Decimal | None) -> Refusal | None:
    """Judge the money that the asks up to *price_max* are offered for."""
    if usdt_min is None:
        return None
    if book is None or price_max is None:
        return Refusal(Reason.DEPTH, "the depth is unknown")
    offered = sum((price * quantity for price, quantity in plausible(book.asks) if price <= price_max), Decimal(0))
    return Refusal(Reason.DEPTH, f"{offered:.2f}") if offered < usdt_min else None


def _best(levels: Iterable[Level]) -> Decimal | None:
    return next((level.price for level in plausible(levels)), None)
