"""Requests to buy and to sell as a test needs them: of ABCUSDT, whose quantities have two decimals and prices four."""

from decimal import Decimal
from typing import Any

from executor.decisions.market_filters import Market
from executor.decisions.order_request import buy_request, sell_request
from executor.model.reasons import Reason, Refusal
from executor.pricing.taker_fees import TakerFees
from executor.settings import ExecutorSettings
from shared.events import Side, TradingRules
from shared.mexc.orders.order_api import OrderRequest
from shared.mexc.payloads import OrderBook
from tests.support.data.builders import an_applied_config, an_order

RULES = TradingRules(
    base_precision=2,
    quote_precision=4,
    base_quantity_min=Decimal("0.01"),
    quote_amount_min=Decimal(1),
    quote_amount_min_market=Decimal(5),
    quote_amount_max=Decimal(200),
    quote_amount_max_market=Decimal(150),
)


def bought(
    reference: str | None = "2",
    quote_qty: str = "100.00",
    rules: TradingRules | None = RULES,
    book: OrderBook | None = None,
    slippage_pct: str | int = 5,
    **settings: Any,
) -> OrderRequest | Refusal:
    market = Market(None if reference is None else Decimal(reference), book)
    order = an_order(quote_qty=Decimal(quote_qty), config=an_applied_config(entry_slippage_pct=slippage_pct))
    chosen = ExecutorSettings(**settings)
    return buy_request(order, market, rules, chosen, TakerFees().of(rules, chosen.taker_fee))


def sold(
    best_bid: str | None = "2",
    base_qty: str | None = "50",
    rules: TradingRules | None = RULES,
    last: Decimal | None = None,
    **settings: Any,
) -> OrderRequest | Refusal:
    order = an_order(side=Side.SELL, base_qty=None if base_qty is None else Decimal(base_qty))
    bid = None if best_bid is None else Decimal(best_bid)
    return sell_request(order, bid, rules, ExecutorSettings(**settings), last=last)


def capped(quantity: str, price: str, side: Side = Side.BUY, recv_window_ms: int = 2000) -> OrderRequest:
    return OrderRequest(
        symbol="ABCUSDT",
        side=side,
        type="IMMEDIATE_OR_CANCEL",
        client_order_id="snABC",
        quantity=Decimal(quantity),
        price=Decimal(price),
        recv_window_ms=recv_window_ms,
    )


def spending(amount: str) -> OrderRequest:
    return OrderRequest(
        symbol="ABCUSDT", side=Side.BUY, type="MARKET", client_order_id="snABC", quote_order_qty=Decimal(amount)
    )


def below(least: str) -> Refusal:
    return Refusal(Reason.BELOW_MINIMUM, least)
