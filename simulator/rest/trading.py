"""Signed endpoints: orders and the account, as functions from the exchange and the parameters to a body."""

import re
from decimal import Decimal

from simulator.exchange import Exchange
from simulator.faults.kind import ORDER
from simulator.faults.registry import FaultTarget
from simulator.faults.response_faults import FaultOptions
from simulator.market import error_responses
from simulator.market.book import Side
from simulator.market.error_responses import RefusedError
from simulator.market.orders import NORMAL, Behaviour, Order, OrderRequest, OrderType
from simulator.rest.json_rows import cancel_row, order_row, trade_rows
from simulator.rest.params import Params
from simulator.symbols import plain

# The length and the alphabet clients keep to; MEXC documents neither.
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


def post_order(exchange: Exchange, params: Params, now_ms: int) -> Order:
    """Place an order; the answer shows of it only `ack_row`."""
    request = _order_request(params)
    _refuse_duplicate(exchange, request)
    subject = FaultTarget(request.symbol, request.side)
    before = exchange.market.wallet.balances()
    behaviour = _behaviour(exchange, request, subject, now_ms)
    order = exchange.market.place(request, now_ms, settle_ms=_settle_ms(exchange, request), behaviour=behaviour)
    if lag := exchange.faults.take("balance_lag", ORDER, subject):
        exchange.market.wallet.show(before, _later(lag, now_ms))
    if lag := exchange.faults.take("order_visibility_lag", ORDER, subject):
        order.visible_from_ms = _later(lag, now_ms)
    if hidden := exchange.faults.take("order_hidden", ORDER, subject):
        order.hidden = dict.fromkeys(hidden.views, _later(hidden, now_ms))
    return order


def test_order(exchange: Exchange, params: Params, now_ms: int) -> object:
    exchange.market.validate(_order_request(params), now_ms)
    return {}


def get_order(exchange: Exchange, params: Params, now_ms: int) -> object:
    view = "order_id" if params.text("orderId") else "client_id"
    return order_row(_find(exchange, params, now_ms, view, error_responses.ORDER_ABSENT))


def delete_order(exchange: Exchange, params: Params, now_ms: int) -> object:
    order = _find(exchange, params, now_ms, "cancel", error_responses.ORDER_UNKNOWN)
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
    return [order_row(each) for each in found if each.shows("open_orders", now_ms)]


def all_orders(exchange: Exchange, params: Params, now_ms: int) -> object:
    """Answer the orders of a symbol, newest first."""
    start, end = _span(exchange, params, now_ms)
    found = (each for each in _orders_of_symbol(exchange, params) if each.shows("all_orders", now_ms))
    rows = [order_row(each) for each in found if start <= each.created_ms <= end]
    return rows[::-1][: params.whole("limit", 500, 1_000)]


def my_trades(exchange: Exchange, params: Params, now_ms: int) -> object:
    """Answer at most 100 fills, from the newest or the oldest, as the settings say."""
    start, end = _span(exchange, params, now_ms)
    wanted = params.text("orderId")
    rows = [
        row
        for order in _orders_of_symbol(exchange, params)
        if wanted in {None, order.order_id} and order.shows("my_trades", now_ms)
        for fill, row in zip(order.fills, trade_rows(order), strict=True)
        if start <= fill.time_ms <= end
    ]
    ordered = rows if exchange.settings.trades_order == "oldest" else rows[::-1]
    return ordered[: params.whole("limit", 100, 100)]


def account(exchange: Exchange, _: Params, now_ms: int) -> object:
    balances = [
        {"asset": asset, "free": plain(each.free), "locked": plain(each.locked), "available": plain(each.free)}
        for asset, each in exchange.market.wallet.shown(now_ms).items()
    ]
    return {
        "makerCommission": None,
        "takerCommission": None,
        "buyerCommission": None,
        "sellerCommission": None,
        "canTrade": exchange.settings.key_may_trade,
        "canWithdraw": exchange.settings.key_may_withdraw,
        "canDeposit": True,
        "updateTime": None,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
    }


def _order_request(params: Params) -> OrderRequest:
    client_order_id = params.text("newClientOrderId")
    if client_order_id is not None and not _CLIENT_ID.fullmatch(client_order_id):
        raise RefusedError(error_responses.illegal("newClientOrderId"))
    side, order_type = params.required("side"), params.required("type")
    if side not in list(Side) or order_type not in list(OrderType):
        raise RefusedError(error_responses.PARAMETER_ERROR)
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
    if known and exchange.faults.take("duplicate_client_id_reject", ORDER, FaultTarget(request.symbol, request.side)):
        raise RefusedError(error_responses.CLIENT_ID_DUPLICATE)


def _settle_ms(exchange: Exchange, request: OrderRequest) -> int:
    subject = FaultTarget(request.symbol, request.side)
    lag = exchange.faults.take("settle_lag", ORDER, subject) if request.side is Side.BUY else None
    return int((lag.duration_seconds if lag else exchange.settings.settle_seconds) * 1_000)


def _behaviour(exchange: Exchange, request: OrderRequest, subject: FaultTarget, now_ms: int) -> Behaviour:
    """Use the first armed fault that changes the life cycle of an order."""
    if late := exchange.faults.take("order_late", ORDER, subject):
        return Behaviour(due_ms=_later(late, now_ms))
    if ends := exchange.faults.take("order_ends", ORDER, subject):
        return Behaviour(takes=Decimal(repr(ends.fraction)), ends_as=ends.word)
    is_ioc = request.type is OrderType.IMMEDIATE_OR_CANCEL
    if is_ioc and (rests := exchange.faults.take("ioc_rests", ORDER, subject)):
        return Behaviour(takes=Decimal(repr(rests.fraction)), rests=True)
    return NORMAL


def _later(options: FaultOptions, now_ms: int) -> int:
    return now_ms + int(options.duration_seconds * 1_000)


def _find(exchange: Exchange, params: Params, now_ms: int, view: str, absent: error_responses.ErrorResponse) -> Order:
    order_id, client_order_id = params.text("orderId"), params.text("origClientOrderId")
    if not order_id and not client_order_id:
        raise RefusedError(error_responses.ORDER_ID_MISSING)
    order = exchange.market.orders.find(params.required("symbol"), order_id, client_order_id)
    forgotten = order is not None and not order.status.open and order.created_ms < _oldest_ms(exchange, now_ms)
    if order is None or forgotten or not order.shows(view, now_ms):
        raise RefusedError(absent)
    return order


def _orders_of_symbol(exchange: Exchange, params: Params) -> list[Order]:
    return list(exchange.market.orders.of_symbol(params.required("symbol")))


def _span(exchange: Exchange, params: Params, now_ms: int) -> tuple[int, int]:
    """Return startTime and endTime, by default everything that is remembered."""
    oldest_ms = max(1, _oldest_ms(exchange, now_ms))
    return max(oldest_ms, params.whole("startTime", 1, now_ms)), params.whole("endTime", now_ms + 1, 2**62)


def _oldest_ms(exchange: Exchange, now_ms: int) -> int:
    return now_ms - int(exchange.settings.remembers_seconds * 1_000)
