"""False events of the account, for a private stream that lies."""

from dataclasses import replace
from decimal import Decimal

from simulator.market.account_events import AccountEvent, BalanceEvent, OrderEvent
from simulator.market.exposure_history import Deal
from simulator.market.orders import Status

_LIE_FACTOR = 10


def falsified(event: AccountEvent) -> AccountEvent:
    """Return *event* with ten times its figures, and of an order as filled."""
    match event:
        case OrderEvent():
            quantity = (event.executed_quantity or event.order.request.quantity or Decimal(1)) * _LIE_FACTOR
            return replace(event, status=Status.FILLED, executed_quantity=quantity, executed_value=quantity)
        case Deal():
            return replace(event, fill=replace(event.fill, quantity=event.fill.quantity * _LIE_FACTOR))
        case BalanceEvent():
            return replace(event, free=(event.free + 1) * _LIE_FACTOR)
