"""Order requests, orders with their fills, and the order store."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from simulator.dirty_rows import Changes, RowKind
from simulator.market.book import Side

# Finished orders beyond this many are forgotten, oldest first.
_KEPT = 100_000


class OrderType(StrEnum):
    LIMIT = "LIMIT"
    MARKET = "MARKET"
    LIMIT_MAKER = "LIMIT_MAKER"
    IMMEDIATE_OR_CANCEL = "IMMEDIATE_OR_CANCEL"
    FILL_OR_KILL = "FILL_OR_KILL"


class Status(StrEnum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    PARTIALLY_CANCELED = "PARTIALLY_CANCELED"

    @property
    def open(self) -> bool:
        return self in {Status.NEW, Status.PARTIALLY_FILLED}


@dataclass(frozen=True, slots=True)
class OrderRequest:
    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    client_order_id: str | None = None


@dataclass(frozen=True, slots=True)
class Commission:
    amount: Decimal
    asset: str
    value: Decimal  # in quote


@dataclass(frozen=True, slots=True)
class Fill:
    trade_id: str
    price: Decimal
    quantity: Decimal
    commission: Commission
    is_maker: bool
    time_ms: int

    @property
    def value(self) -> Decimal:
        return self.price * self.quantity


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How faults change the life cycle of an order."""

    takes: Decimal | None = None  # at most this part of its quantity; None: as the book allows
    ends_as: str | None = None  # at once, under this word
    rests: bool = False  # unfilled until cancelled, for any type
    due_ms: int = 0  # not matched before


NORMAL = Behaviour()


@dataclass(slots=True)
class Order:
    order_id: str
    request: OrderRequest
    base: str
    quote: str
    created_ms: int
    updated_ms: int
    status: Status = Status.NEW
    fills: list[Fill] = field(default_factory=list)
    settle_ms: int = 0  # after a fill, until what was bought can be sold
    visible_from_ms: int = 0  # queries before this do not find it
    hidden: Mapping[str, int] = field(default_factory=dict)  # until when it is missing from a view
    behaviour: Behaviour = NORMAL

    @property
    def shown_status(self) -> str:
        """The status as answers show it; a fault may make it a word MEXC does not document."""
        word = self.behaviour.ends_as
        return self.status if word is None or self.status.open else word

    def shows(self, view: str, now_ms: int) -> bool:
        """Return whether a query of that view finds the order."""
        return now_ms >= max(self.visible_from_ms, self.hidden.get(view, 0))

    @property
    def executed_quantity(self) -> Decimal:
        return sum((fill.quantity for fill in self.fills), Decimal(0))

    @property
    def executed_value(self) -> Decimal:
        return sum((fill.value for fill in self.fills), Decimal(0))

    @property
    def remaining(self) -> Decimal:
        """The unfilled quantity of an order by quantity."""
        return (self.request.quantity or Decimal(0)) - self.executed_quantity

    @property
    def held(self) -> tuple[str, Decimal]:
        """The asset and the amount locked while the order rests."""
        if self.request.side is Side.SELL:
            return self.base, self.remaining
        return self.quote, self.remaining * (self.request.price or Decimal(0))


class OrderStore:
    """Orders indexed by id, by client id, and by being open."""

    def __init__(self, changes: Changes | None = None) -> None:
        self._changes = changes or Changes()
        self._orders: OrderedDict[str, Order] = OrderedDict()
        self._latest_of_client_id: dict[tuple[str, str], str] = {}
        self._open: dict[str, Order] = {}

    def add(self, order: Order) -> None:
        self._orders[order.order_id] = order
        if order.request.client_order_id:
            self._latest_of_client_id[order.request.symbol, order.request.client_order_id] = order.order_id
        self.note(order)
        if len(self._orders) > _KEPT:
            self._forget_oldest()

    def note(self, order: Order) -> None:
        """Index *order* again after a change of status."""
        self._changes.note(RowKind.ORDER, order.order_id)
        if order.status.open:
            self._open[order.order_id] = order
        else:
            self._open.pop(order.order_id, None)

    def find(self, symbol: str, order_id: str | None, client_order_id: str | None) -> Order | None:
        """Return the order of *symbol* by either id; of several with one client id, the latest."""
        found = order_id or self._latest_of_client_id.get((symbol, client_order_id or ""))
        order = self._orders.get(found) if found else None
        return order if order and order.request.symbol == symbol else None

    def get(self, order_id: str) -> Order | None:
        return self._orders.get(order_id)

    def open(self) -> list[Order]:
        return list(self._open.values())

    def of_symbol(self, symbol: str) -> Iterator[Order]:
        """Return the orders of *symbol*, oldest first."""
        return (order for order in self._orders.values() if order.request.symbol == symbol)

    def _forget_oldest(self) -> None:
        order_id, order = next(iter(self._orders.items()))
        del self._orders[order_id]
        self._changes.note(RowKind.ORDER, order_id)
        self._open.pop(order_id, None)
        client_key = (order.request.symbol, order.request.client_order_id or "")
        if self._latest_of_client_id.get(client_key) == order_id:
            del self._latest_of_client_id[client_key]
