"""Events of the account as a private stream pushes them: orders, deals and balances, each as it was at its moment."""

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from simulator.market.exposure_history import Deal
from simulator.market.orders import Order, Status

_PENDING_MAX: Final = 10_000


class BalanceCause(StrEnum):
    """The reason for a change of a balance, in MEXC's words."""

    PLACED = "ENTRUST_PLACE"
    TRADED = "ENTRUST"
    CANCELLED = "ENTRUST_CANCEL"
    FEE = "TRADE_FEE"
    FUNDED = "DEPOSIT"


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """A status that an order came to, and its fills until then."""

    order: Order
    status: Status
    executed_quantity: Decimal
    executed_value: Decimal
    last_quantity: Decimal | None


@dataclass(frozen=True, slots=True)
class BalanceEvent:
    """The balance of one asset after a change, and the change."""

    asset: str
    free: Decimal
    free_change: Decimal
    locked: Decimal
    locked_change: Decimal
    cause: BalanceCause


AccountEvent = OrderEvent | Deal | BalanceEvent


class AccountEvents:
    """Events that are not pushed yet, oldest first."""

    def __init__(self) -> None:
        self._pending: deque[AccountEvent] = deque(maxlen=_PENDING_MAX)

    def note(self, event: AccountEvent) -> None:
        self._pending.append(event)

    def note_order(self, order: Order) -> None:
        last = order.fills[-1].quantity if order.fills else None
        self.note(OrderEvent(order, order.status, order.executed_quantity, order.executed_value, last))

    def take(self) -> list[AccountEvent]:
        """Return the events, and forget them."""
        taken = list(self._pending)
        self._pending.clear()
        return taken
