"""Binary frames of the private stream, by the wire schema."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from shared.mexc import wire_pb2
from simulator.market.account_events import AccountEvent, BalanceEvent, OrderEvent
from simulator.market.book import Side
from simulator.market.exposure_history import Deal
from simulator.market.orders import Order, OrderType, Status
from simulator.stream.channels import Feed
from simulator.symbols import plain

_TYPES: Final[Mapping[OrderType, int]] = {
    OrderType.LIMIT: 1,
    OrderType.LIMIT_MAKER: 2,
    OrderType.IMMEDIATE_OR_CANCEL: 3,
    OrderType.FILL_OR_KILL: 4,
    OrderType.MARKET: 5,
}
_STATUSES: Final[Mapping[Status, int]] = {
    Status.NEW: 1,
    Status.FILLED: 2,
    Status.PARTIALLY_FILLED: 3,
    Status.CANCELED: 4,
    Status.PARTIALLY_CANCELED: 5,
}


def feed_of(event: AccountEvent) -> Feed:
    match event:
        case OrderEvent():
            return Feed.PRIVATE_ORDERS
        case Deal():
            return Feed.PRIVATE_DEALS
        case BalanceEvent():
            return Feed.PRIVATE_ACCOUNT


def order_of(event: AccountEvent) -> Order | None:
    return None if isinstance(event, BalanceEvent) else event.order


def account_frame(event: AccountEvent, sent_ms: int) -> bytes:
    channel = f"spot@{feed_of(event)}.v3.api.pb"
    frame = wire_pb2.PushDataV3ApiWrapper(channel=channel, createTime=sent_ms, sendTime=sent_ms)
    if (order := order_of(event)) is not None:
        frame.symbol = order.request.symbol
    match event:
        case OrderEvent():
            frame.privateOrders.CopyFrom(_order(event))
        case Deal(order, fill):
            frame.privateDeals.CopyFrom(
                wire_pb2.PrivateDealsV3Api(
                    price=plain(fill.price),
                    quantity=plain(fill.quantity),
                    amount=plain(fill.value),
                    tradeType=_side(order.request.side),
                    isMaker=fill.is_maker,
                    tradeId=fill.trade_id,
                    clientOrderId=order.request.client_order_id or "",
                    orderId=order.order_id,
                    feeAmount=plain(fill.commission.amount),
                    feeCurrency=fill.commission.asset,
                    time=fill.time_ms,
                )
            )
        case BalanceEvent():
            frame.privateAccount.CopyFrom(
                wire_pb2.PrivateAccountV3Api(
                    vcoinName=event.asset,
                    balanceAmount=plain(event.free),
                    balanceAmountChange=plain(event.free_change),
                    frozenAmount=plain(event.locked),
                    frozenAmountChange=plain(event.locked_change),
                    type=event.cause,
                    time=sent_ms,
                )
            )
    return frame.SerializeToString()


def _order(event: OrderEvent) -> "wire_pb2.PrivateOrdersV3Api":
    order, request = event.order, event.order.request
    quantity = event.executed_quantity if request.quantity is None else request.quantity
    amount = (request.price or Decimal(0)) * quantity if request.quote_quantity is None else request.quote_quantity
    average = event.executed_value / event.executed_quantity if event.executed_quantity else Decimal(0)
    return wire_pb2.PrivateOrdersV3Api(
        id=order.order_id,
        clientId=request.client_order_id or "",
        price=plain(request.price or average),
        quantity=plain(quantity),
        amount=plain(amount),
        avgPrice=plain(average),
        orderType=_TYPES[request.type],
        tradeType=_side(request.side),
        isMaker=bool(order.fills) and order.fills[-1].is_maker,
        remainAmount=plain(max(Decimal(0), amount - event.executed_value)),
        remainQuantity=plain(max(Decimal(0), quantity - event.executed_quantity)),
        lastDealQuantity=None if event.last_quantity is None else plain(event.last_quantity),
        cumulativeQuantity=plain(event.executed_quantity),
        cumulativeAmount=plain(event.executed_value),
        status=_STATUSES[event.status],
        createTime=order.created_ms,
    )


def _side(side: Side) -> int:
    return 1 if side is Side.BUY else 2
