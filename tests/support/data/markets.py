"""Instruments and markets of the simulator, as small and round as a test wants them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from simulator.market.book import Side
from simulator.market.market import Market
from simulator.market.order_validation import TradingRules
from simulator.market.orders import OrderRequest, OrderType
from simulator.market.settlement import Fees
from simulator.market.wallet import Wallet
from simulator.symbols.catalogue import Catalogue
from simulator.symbols.instrument import Instrument

NOW_MS = 1_700_000_000_000
NO_FEES = Fees(taker=Decimal(0))

_PLAIN = Instrument(
    symbol="ABCUSDT",
    base="ABC",
    quote="USDT",
    full_name="Abc",
    price=Decimal(100),
    price_decimals=2,
    quantity_decimals=3,
    swing=0.0,
    pace_ms=1_000,
    depth_quote=Decimal(51_500),
    listed_at_ms=NOW_MS - 60_000,
    first_open_time_ms=NOW_MS - 60_000,
    opens_at_ms=NOW_MS - 60_000,
)


def an_instrument(**changes: Any) -> Instrument:
    """ABCUSDT, open for a minute, standing still at 100; its book starts with 20, 30, 40 ... USDT a level."""
    return replace(_PLAIN, **changes)


def a_market(
    *instruments: Instrument, fees: Fees = NO_FEES, rules: TradingRules | None = None, **funds: int | str | Decimal
) -> Market:
    """A market of *instruments* (ABCUSDT when none) whose account holds *funds* (10,000 USDT when none)."""
    held = {asset: Decimal(amount) for asset, amount in (funds or {"USDT": 10_000}).items()}
    return Market(Catalogue(instruments or [an_instrument()]), Wallet(held), fees, rules or TradingRules())


def a_buy(order_type: OrderType = OrderType.LIMIT, **fields: Any) -> OrderRequest:
    """Numbers may be given as text or int."""
    return _request(Side.BUY, order_type, fields)


def a_sell(order_type: OrderType = OrderType.LIMIT, **fields: Any) -> OrderRequest:
    return _request(Side.SELL, order_type, fields)


def _request(side: Side, order_type: OrderType, fields: dict[str, Any]) -> OrderRequest:
    numbers = {"quantity", "quote_quantity", "price"}
    understood: dict[str, Any] = {name: Decimal(value) if name in numbers else value for name, value in fields.items()}
    return replace(OrderRequest("ABCUSDT", side, order_type), **understood)
