"""What is known of a symbol's market as an order is about to be sent, and whether it is one to buy in."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext

from executor.model.money import CAREFUL
from executor.model.reasons import Reason, Refusal
from executor.pricing.fill_simulation import is_plausible, plausible
from executor.settings import EntrySettings
from shared.events import TradingRules
from shared.mexc.payloads import Level, OrderBook


@dataclass(frozen=True, slots=True)
class Market:
    reference: Decimal | None
    """What the coin costs; see reference_price."""
    book: OrderBook | None = None
    """Needed where a gate on spread, depth or run-up is set."""
    first_price: Decimal | None = None
    """Of the first trade there was; needed where a gate on run-up is set."""
    last: Decimal | None = None
    """Of the last trade, where it was learned: the exchange's price protection goes by it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read again after a refusal; None where it could not be learned."""

    rules: TradingRules | None
    last: Decimal | None = None
    """The price of the last trade, where the price was refused."""


def reference_price(listing_price: Decimal | None, book: OrderBook | None) -> Decimal | None:
    """Return what the coin cost in the frame that showed it, else what it is offered for."""
    return _best(book.asks) if listing_price is None and book is not None else listing_price


def gate(market: Market, price_max: Decimal | None, settings: EntrySettings) -> Refusal | None:
    """Return which gate is shut to an order that pays up to *price_max*; one that cannot be judged is."""
    if not settings.is_gated:
        return None
    with localcontext(CAREFUL):
        return (
            _run_up(market, settings.run_up_pct_max)
            or _spread(market.book, settings.spread_pct_max)
            or _depth(market.book, price_max, settings.depth_usdt_min)
        )


def _run_up(market: Market, pct_max: Decimal | None) -> Refusal | None:
    if pct_max is None:
        return None
    asked = None if market.book is None else _best(market.book.asks)
    prices = [price for price in (market.reference, asked) if price is not None]
    first = market.first_price
    if first is None or not prices or not all(map(is_plausible, (first, *prices))):
        return Refusal(Reason.RUN_UP, "nobody knows how far")
    risen = max(prices) - first
    if risen * 100 > first * pct_max:
        return Refusal(Reason.RUN_UP, f"{risen * 100 / first:.1f} %")
    return None


def _spread(book: OrderBook | None, pct_max: Decimal | None) -> Refusal | None:
    """Judge the distance between best bid and ask, as a share of the price in their middle."""
    if pct_max is None:
        return None
    bid, ask = (None, None) if book is None else (_best(book.bids), _best(book.asks))
    if bid is None or ask is None or bid > ask:
        return Refusal(Reason.SPREAD, "nobody knows how far")
    middle = (bid + ask) / 2
    if (ask - bid) * 100 > middle * pct_max:
        return Refusal(Reason.SPREAD, f"{(ask - bid) * 100 / middle:.1f} %")
    return None


def _depth(book: OrderBook | None, price_max: Decimal | None, usdt_min: Decimal | None) -> Refusal | None:
    if usdt_min is None:
        return None
    if book is None or price_max is None:
        return Refusal(Reason.DEPTH, "nobody knows how much")
    offered = sum((price * quantity for price, quantity in plausible(book.asks) if price <= price_max), Decimal(0))
    return Refusal(Reason.DEPTH, f"{offered:.2f}") if offered < usdt_min else None


def _best(levels: Iterable[Level]) -> Decimal | None:
    return next((level.price for level in plausible(levels)), None)
