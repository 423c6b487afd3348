"""Signed endpoints: orders and the account, as functions from the exchange and the parameters to a body."""

import re

from simulator import refusals
from simulator.book import Side
from simulator.decimals import plain
from simulator.exchange import Exchange
from simulator.faults import ORDER
from simulator.orders import Order, OrderRequest, OrderType
from simulator.refusals import RefusedError
from simulator.rest.params import Params
from simulator.rest.rows import cancel_row, order_row, trade_rows

# The length and the alphabet clients keep to; MEXC documents neither.
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


def post_order(exchange: Exchange, params: Params, now_ms: int) -> Order:
    """Place what the parameters ask for; what is answered of the order is `ack_row`."""
    request = _order_request(params)
    _refuse_duplicate(exchange, request)
    order = exchange.market.place(request, now_ms, settle_ms=_settle_ms(exchange, request))
    if lag := exchange.faults.take("order_visibility_lag", ORDER):
        order.visible_from_ms = now_ms + int(lag.seconds * 1_000)
    return order


def test_order(exchange: Exchange, params: Params, now_ms: int) -> object:
    exchange.market.validate(_order_request(params), now_ms)
    return {}


def get_order(exchange: Exchange, params: Params, now_ms: int) -> object:
    return order_row(_find(exchange, params, now_ms, refusals.ORDER_ABSENT))


def delete_order(exchange: Exchange, params: Params, now_ms: int) -> object:
    order = _find(exchange, params, now_ms, refusals.ORDER_UNKNOWN)
    exchange.market.cancel(order, now_ms)
    return cancel_row(order)


def delete_open_orders(exchange: Exchange, params: Params, now_ms: int) -> object:
    symbols = params.required("symbol").split(",")
    cancelled = [each for each in exchange.market.orders.open() if each.request.symbol in symbols]
    for order in cancelled:
        exchange.market.cancel(order, now_ms)
    return [cancel_row(each) for each in cancelled]


def open_orders(exchange: Exchange, params: Params, now_ms: int) -> object:
    symbol = params.text("symbol")
    found = (each for each in exchange.market.orders.open() if symbol in {None, each.request.symbol})
    return [order_row(each) for each in found if each.visible_from_ms <= now_ms]


def all_orders(exchange: Exchange, params: Params, now_ms: int) -> object:
    """Newest first."""
    start, end = _span(params, now_ms)
    found = (each for each in _orders_of_symbol(exchange, params) if each.visible_from_ms <= now_ms)
    rows = [order_row(each) for each in found if start <= each.created_ms <= end]
    return rows[::-1][: params.whole("limit", 500, 1_000)]


def my_trades(exchange: Exchange, params: Params, now_ms: int) -> object:
    """Newest first."""
    start, end = _span(params, now_ms)
    wanted = params.text("orderId")
    rows = [
        row
        for order in _orders_of_symbol(exchange, params)
        if wanted in {None, order.order_id} and order.visible_from_ms <= now_ms
        for fill, row in zip(order.fills, trade_rows(order), strict=True)
        if start <= fill.time_ms <= end
    ]
    return rows[::-1][: params.whole("limit", 100, 100)]


def account(exchange: Exchange, _: Params, __: int) -> object:
    balances = [
        {"asset": asset, "free": plain(each.free), "locked": plain(each.locked), "available": plain(each.free)}
        for asset, each in exchange.market.wallet.balances().items()
    ]
    return {
        "makerCommission": None,
        "takerCommission": None,
        "buyerCommission": None,
        "sellerCommission": None,
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "updateTime": None,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
    }


def _order_request(params: Params) -> OrderRequest:
    client_order_id = params.text("newClientOrderId")
    if client_order_id is not None and not _CLIENT_ID.fullmatch(client_order_id):
        raise RefusedError(refusals.illegal("newClientOrderId"))
    side, order_type = params.required("side"), params.required("type")
    if side not in list(Side) or order_type not in list(OrderType):
        raise RefusedError(refusals.PARAMETER_ERROR)
    return OrderRequest(
        symbol=params.required("symbol"),
        side=Side(side),
        type=OrderType(order_type),
        quantity=params.decimal("quantity"),
        quote_quantity=params.decimal("quoteOrderQty") if order_type == OrderType.MARKET else None,
        price=params.decimal("price") if order_type != OrderType.MARKET else None,
        client_order_id=client_order_id,
    )


def _refuse_duplicate(exchange: Exchange, request: OrderRequest) -> None:
    if request.client_order_id is None:
        return
    known = exchange.market.orders.find(request.symbol, None, request.client_order_id)
    if known and exchange.faults.take("duplicate_client_id_reject", ORDER):
        raise RefusedError(refusals.CLIENT_ID_DUPLICATE)


def _settle_ms(exchange: Exchange, request: OrderRequest) -> int:
    lag = exchange.faults.take("settle_lag", ORDER) if request.side is Side.BUY else None
    return int((lag.seconds if lag else exchange.settings.settle_seconds) * 1_000)


def _find(exchange: Exchange, params: Params, now_ms: int, absent: refusals.Refusal) -> Order:
    order_id, client_order_id = params.text("orderId"), params.text("origClientOrderId")
    if not order_id and not client_order_id:
        raise RefusedError(refusals.ORDER_ID_MISSING)
    order = exchange.market.orders.find(params.required("symbol"), order_id, client_order_id)
    if order is None or order.visible_from_ms > now_ms:
        raise RefusedError(absent)
    return order


def _orders_of_symbol(exchange: Exchange, params: Params) -> list[Order]:
    return list(exchange.market.orders.of_symbol(params.required("symbol")))


def _span(params: Params, now_ms: int) -> tuple[int, int]:
    """The given startTime and endTime, by default everything."""
    return params.whole("startTime", 0, now_ms), params.whole("endTime", now_ms + 1, 2**62)
