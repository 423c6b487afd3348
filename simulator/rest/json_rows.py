"""Orders and their fills as rows of MEXC's JSON."""

from collections.abc import Iterable
from decimal import Decimal

from simulator.market.book import Side
from simulator.market.exposure_history import Deal, Removal, exposures
from simulator.market.orders import Order, OrderType
from simulator.request_log import RequestLog
from simulator.symbols import plain

_TIME_IN_FORCE = {
    OrderType.LIMIT: "GTC",
    OrderType.LIMIT_MAKER: "GTC",
    OrderType.IMMEDIATE_OR_CANCEL: "IOC",
    OrderType.FILL_OR_KILL: "FOK",
}


def ack_row(order: Order) -> dict[str, object]:
    """Return the answer to POST: the acknowledgement, without the order's outcome."""
    return {
        "symbol": order.request.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "price": _number(order.request.price),
        "origQty": _number(order.request.quantity),
        "type": order.request.type,
        "side": order.request.side,
        "stpMode": "",
        "transactTime": order.created_ms,
    }


def order_row(order: Order) -> dict[str, object]:
    request = order.request
    return {
        "symbol": request.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": request.client_order_id,
        "price": _number(request.price),
        "origQty": plain(request.quantity if request.quantity is not None else order.executed_quantity),
        "executedQty": plain(order.executed_quantity),
        "cummulativeQuoteQty": plain(order.executed_value),
        "status": order.shown_status,
        "timeInForce": _TIME_IN_FORCE.get(request.type),
        "type": request.type,
        "side": request.side,
        "stopPrice": None,
        "icebergQty": None,
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": order.status.open,
        "stpMode": "",
        "cancelReason": None,
        "origQuoteOrderQty": _number(request.quote_quantity),
    }


def cancel_row(order: Order) -> dict[str, object]:
    return {
        "symbol": order.request.symbol,
        "origClientOrderId": order.request.client_order_id,
        "orderId": order.order_id,
        "clientOrderId": order.request.client_order_id,
        "price": _number(order.request.price),
        "origQty": _number(order.request.quantity),
        "executedQty": plain(order.executed_quantity),
        "cummulativeQuoteQty": plain(order.executed_value),
        "status": "CANCELED",
        "type": order.request.type,
        "side": order.request.side,
    }


def trade_rows(order: Order) -> list[dict[str, object]]:
    """Return one row per fill, oldest first."""
    return [
        {
            "symbol": order.request.symbol,
            "id": fill.trade_id,
            "orderId": order.order_id,
            "orderListId": -1,
            "price": plain(fill.price),
            "qty": plain(fill.quantity),
            "quoteQty": plain(fill.value),
            "commission": plain(fill.commission.amount),
            "commissionAsset": fill.commission.asset,
            "time": fill.time_ms,
            "isBuyer": order.request.side == "BUY",
            "isMaker": fill.is_maker,
            "isBestMatch": True,
            "isSelfTrade": False,
            "clientOrderId": order.request.client_order_id,
        }
        for fill in order.fills
    ]


def exposure_history_row(deals: Iterable[Deal | Removal], request_log: RequestLog) -> dict[str, object]:
    """Return the fills in order with the exposure after each, and the maximum exposure."""
    received_ns = {each.order.order_id: each.received_ns for each in request_log.entries if each.order}
    steps = list(exposures(deals))
    fills = [(deal, exposure) for deal, exposure in steps if isinstance(deal, Deal)]
    return {
        "fills": [_step(deal, exposure, received_ns.get(deal.order.order_id)) for deal, exposure in fills],
        "exposure": plain(steps[-1][1] if steps else Decimal(0)),
        "exposure_max": plain(max((exposure for _, exposure in steps), default=Decimal(0))),
        "spent": plain(sum((deal.spent for deal, _ in fills if deal.order.request.side is Side.BUY), Decimal(0))),
        "repeated": [
            {"symbol": symbol, "client_order_id": client_order_id, "received": count}
            for (symbol, client_order_id), count in request_log.repeated().items()
        ],
    }


def _step(deal: Deal, exposure: Decimal, received_ns: int | None) -> dict[str, object]:
    request, fill = deal.order.request, deal.fill
    return {
        "received_at_ns": received_ns,
        "traded_at_ms": fill.time_ms,
        "symbol": request.symbol,
        "side": request.side,
        "client_order_id": request.client_order_id,
        "order_id": deal.order.order_id,
        "quantity": plain(fill.quantity),
        "quote_value": plain(fill.value),
        "fee_quote": plain(fill.commission.value),
        "exposure": plain(exposure),
    }


def _number(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)
