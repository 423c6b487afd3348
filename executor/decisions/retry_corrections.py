"""Corrected requests of a retry, by the context of the attempt that was refused. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext

from executor.decisions.limits import net_of_fee
from executor.decisions.order_corrections import coarsened, fitted_to_rules, repriced
from executor.decisions.order_request import target_of
from executor.model import CAREFUL, Order, Reason, Refusal
from executor.pricing import band_of, nearest_price
from executor.settings import ExecutorSettings
from shared.events import Side, TradingRules
from shared.mexc.orders.order_api import OrderRequest
from shared.mexc.payloads import Level


@dataclass(frozen=True, slots=True)
class RetryCounts:
    """Retries of an order so far, by their cause."""

    not_open: int = 0
    unsent: int = 0
    timestamp_refused: int = 0
    repriced: int = 0
    resized: bool = False
    rounded: bool = False
    """To the fewest digits, after it was fitted and refused for its digits once more."""


@dataclass(frozen=True, slots=True)
class AttemptContext:
    """An attempt with everything that its retry depends on."""

    order: Order
    request: OrderRequest
    rules: TradingRules | None
    counts: RetryCounts
    now: datetime
    settings: ExecutorSettings
    fee: Decimal
    """For taking, as a ratio."""
    bids: Sequence[Level] = ()
    """The bids that a sale was priced by, best first."""

    @property
    def money(self) -> Decimal:
        """The money of the order, net of the fee."""
        return net_of_fee(self.order.quote_qty, self.fee)

    @property
    def target(self) -> Decimal | None:
        """The money that a purchase of a set size spends where the price holds; any other spends all it may."""
        is_set = self.order.side is Side.BUY and self.settings.order_usdt is not None
        return target_of(self.order, self.settings, self.fee) if is_set else None


def at_nearest_price(context: AttemptContext, rules: TradingRules, last: Decimal | None) -> OrderRequest | Refusal:
    """Return the request at the nearest price that may be taken, else in the digits of the rules that were read.

    Of a sale for which neither helps, at the best bid.
    """
    request = context.request
    if request.price is None:
        return Refusal(Reason.PRICE_REFUSED)
    with localcontext(CAREFUL):
        price = nearest_price(request.side, request.price, band_of(rules, last), last, context.counts.repriced)
    nearer = repriced(request, price, rules, context.target)
    if isinstance(nearer, Refusal):
        nearer = fitted_to_rules(request, context.money, rules, context.target)
    return at_best_bid(context, rules) if isinstance(nearer, Refusal) else nearer


def at_best_bid(context: AttemptContext, rules: TradingRules | None) -> OrderRequest | Refusal:
    """Return a sale at the best bid, which stands for the last price where that is unknown."""
    if context.order.side is Side.BUY or not context.bids:
        return Refusal(Reason.PRICE_REFUSED)
    return repriced(context.request, context.bids[0].price, rules)


def in_digits_of_bids(context: AttemptContext, rules: TradingRules | None) -> OrderRequest | Refusal:
    """Return a sale with as few digits as the bids have, where these are fewer than *rules* allow."""
    if context.order.side is Side.BUY or not context.bids:
        return Refusal(Reason.SIZE_REFUSED)
    return coarsened(context.request, rules, context.bids)


def in_whole_coins(context: AttemptContext) -> OrderRequest | Refusal:
    """Return a sale of whole coins at a price with no more digits than the best bid: few symbols are coarser."""
    if context.order.side is Side.BUY or not context.bids:
        return Refusal(Reason.SIZE_REFUSED)
    return coarsened(context.request, context.rules, [Level(context.bids[0].price, Decimal(1))])
