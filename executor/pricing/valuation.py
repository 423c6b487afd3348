"""Valuation of a position by the book: its bids walked for the whole quantity, never the best bid alone. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

from executor.model import CAREFUL
from executor.pricing.fill_simulation import plausible
from shared.events import TradingRules
from shared.mexc.payloads import Level, OrderBook

_HUNDRED: Final = Decimal(100)
NOTIONAL_MIN: Final = Decimal(1)
"""The least notional of a sale where the rules name none, in the quote asset."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Both sides of one coin's book, best first, without the levels that cannot be computed with."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    dropped: int = 0
    """The number of levels that were NaN, infinite, negative, empty or absurd."""

    @property
    def best_ask(self) -> Decimal | None:
        return self.asks[0].price if self.asks else None

    @property
    def is_crossed(self) -> bool:
        """Return whether the best bid is above the best ask: one of them is not there any more."""
        return bool(self.bids and self.asks and self.bids[0].price > self.asks[0].price)

    @property
    def middle(self) -> Decimal | None:
        """The price between best bid and best ask; None where one is missing, or they are crossed."""
        if not self.bids or not self.asks or self.is_crossed:
            return None
        with localcontext(CAREFUL):
            return (self.bids[0].price + self.asks[0].price) / 2


@dataclass(frozen=True, slots=True)
class Worth:
    """The proceeds of a position, per coin."""

    sellable: Decimal
    """The average price for the share of the position that stops are judged by."""
    whole: Decimal
    """The same for all of it; the part without bids counts as zero."""
    net: Decimal
    """The same less the fee."""
    average: Decimal
    """The average price of the part that finds bids."""
    best_bid: Decimal
    best_ask: Decimal | None = None

    @property
    def is_crossed(self) -> bool:
        """Return whether the best bid is above the best ask, so that it may be gone."""
        return self.best_ask is not None and self.best_bid > self.best_ask


def quote_of(book: OrderBook) -> Quote:
    """Return the plausible levels of *book*, sorted."""
    bids = sorted(plausible(book.bids), key=lambda level: level.price, reverse=True)
    asks = sorted(plausible(book.asks), key=lambda level: level.price)
    dropped = len(book.bids) + len(book.asks) - len(bids) - len(asks)
    return Quote(tuple(bids), tuple(asks), dropped)


def worth_of(quote: Quote, quantity: Decimal, share_pct: Decimal, taker_fee: Decimal) -> Worth | None:
    """Return the worth of *quantity* by *quote*; None without bids, or with nothing to sell."""
    if not quote.bids or quantity <= 0:
        return None
    with localcontext(CAREFUL):
        filled, proceeds = _walked(quote.bids, quantity)
        share_filled, share_proceeds = _walked(quote.bids, quantity * share_pct / _HUNDRED)
        if not filled or not share_filled:
            return None
        whole = proceeds / quantity
        return Worth(
            sellable=share_proceeds / share_filled,
            whole=whole,
            net=whole * (1 - taker_fee),
            average=proceeds / filled,
            best_bid=quote.bids[0].price,
            best_ask=quote.best_ask,
        )


def is_decided_by_the_best_bid(quote: Quote, quantity: Decimal, share_pct: Decimal) -> bool:
    """Return whether the best bid alone takes the share that stops are judged by: deeper levels cannot change them."""
    with localcontext(CAREFUL):
        return bool(quote.bids) and quote.bids[0].quantity >= quantity * share_pct / _HUNDRED


def is_worth_selling(quantity: Decimal, price: Decimal, rules: TradingRules | None) -> bool:
    """Return whether the exchange would take an order over *quantity* at *price*."""
    decimals = None if rules is None else rules.base_precision
    quantity_min = None if rules is None else rules.base_quantity_min
    notional_min = None if rules is None else rules.quote_amount_min
    with localcontext(CAREFUL):
        cut = quantity if decimals is None else quantity.quantize(Decimal(1).scaleb(-decimals))
        least = NOTIONAL_MIN if notional_min is None else notional_min
        return cut > 0 and cut >= (quantity_min or 0) and cut * price >= least


def _walked(bids: Iterable[Level], quantity: Decimal) -> tuple[Decimal, Decimal]:
    """Return the part of *quantity* that finds bids, and its proceeds."""
    filled = proceeds = Decimal(0)
    for price, wanted in bids:
        taken = min(wanted, quantity - filled)
        filled += taken
        proceeds += taken * price
        if filled >= quantity:
            break
    return filled, proceeds
