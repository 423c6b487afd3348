"""An exchange in this process, with a ledger of its own that forgets nothing it was sent."""

from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from executor.fills import Fill
from executor.order import Order
from executor.paper import walk
from executor.reasons import Reason
from executor.venue import Absent, Attempt, Ended, Finding, Ready, Working
from executor.verdicts import (
    Accepted,
    Busy,
    NotOpen,
    Refused,
    TooDear,
    Unanswered,
    Unsent,
    Untimely,
    Verdict,
    WrongSize,
)
from shared.events import Side
from shared.mexc.errors import ExchangeUnavailable
from shared.mexc.order_transport import MayWrite
from shared.mexc.payloads import Level, OrderBook
from shared.mexc.symbols import SymbolInfo
from shared.mexc.trading import OrderRequest
from tests.builders import a_symbol_info

TAKER_FEE = Decimal("0.0005")
PLENTY = Decimal(1_000_000)


class Behaviour(StrEnum):
    """What the exchange does with one request."""

    FILL = "fill"
    FILL_PARTLY = "fill partly"
    FILL_NOTHING = "fill nothing"
    REST = "rest"
    """Take the order, and leave it working until it is cancelled."""
    LOSE_ANSWER = "lose the answer"
    """Fill the order, and never answer."""
    SWALLOW = "swallow"
    """Never see the request, nor answer it."""
    CUT = "cut"
    """Break the connection before a byte is written."""
    REFUSE = "refuse"
    NOT_OPEN = "not open"
    TOO_DEAR = "too dear"
    WRONG_SIZE = "wrong size"
    UNTIMELY = "untimely"
    BUSY = "busy"


_REFUSALS: dict[Behaviour, Verdict] = {
    Behaviour.REFUSE: Refused(Reason.INSUFFICIENT_BALANCE, "30004"),
    Behaviour.NOT_OPEN: NotOpen("30001"),
    Behaviour.TOO_DEAR: TooDear("30010", Decimal("2.05")),
    Behaviour.WRONG_SIZE: WrongSize(Reason.SIZE_REFUSED, "30002", None),
    Behaviour.UNTIMELY: Untimely("700003"),
    Behaviour.BUSY: Busy("429", 0.05),
}


@dataclass(slots=True)
class Entry:
    """An order that the exchange took."""

    exchange_order_id: str
    order: Order
    request: OrderRequest
    visible_at: datetime
    working: bool
    fill: Fill | None


@dataclass
class ModelExchange:
    """Sells every coin for two dollars, in any amount, and does with each request what it was told to do next."""

    now: Callable[[], datetime]
    on_request: Callable[[Order, OrderRequest], Awaitable[None]] | None = None
    """Is told of every request that is written, before anything comes of it."""
    price: Decimal = Decimal(2)
    read_lag: timedelta = timedelta(0)
    asks_there: bool = True
    entries: list[Entry] = field(default_factory=list)
    received: list[OrderRequest] = field(default_factory=list)
    script: deque[Behaviour] = field(default_factory=deque)
    otherwise: Behaviour = Behaviour.FILL
    down: bool = False

    async def receive(self, order: Order, request: OrderRequest, expires_at: datetime) -> Verdict:
        behaviour = self.script.popleft() if self.script else self.otherwise
        if behaviour is Behaviour.CUT:
            return Unsent("cut")
        self.received.append(request)
        if self.on_request is not None:
            await self.on_request(order, request)
        if behaviour is Behaviour.SWALLOW:
            return Unanswered("swallowed")
        if self.now() > expires_at:
            return Untimely("outside of its window")
        if behaviour in _REFUSALS:
            return _REFUSALS[behaviour]
        entry = self._take(order, request, behaviour)
        return Unanswered("lost") if behaviour is Behaviour.LOSE_ANSWER else Accepted(entry.exchange_order_id)

    def named(self, client_order_id: str) -> list[Entry]:
        return [each for each in self.entries if each.request.client_order_id == client_order_id]

    def repeated(self) -> list[str]:
        """The client ids of which it holds more than one order."""
        counts = Counter(each.request.client_order_id for each in self.entries)
        return [name for name, count in counts.items() if count > 1]

    def at_stake(self) -> Decimal:
        """What the coins that are held cost, fees included, and sold ones at average cost; as fills went."""
        held: dict[str, tuple[Decimal, Decimal]] = {}
        for each in self.entries:
            if each.fill is None:
                continue
            quantity, cost = held.get(each.request.symbol, (Decimal(0), Decimal(0)))
            if each.request.side is Side.BUY:
                held[each.request.symbol] = quantity + each.fill.base_qty, cost + each.fill.cost + each.fill.fee
            else:
                left = quantity - each.fill.base_qty
                held[each.request.symbol] = left, cost * left / quantity
        return sum((cost for _, cost in held.values()), Decimal(0))

    async def depth(self, symbol: str, limit: int) -> OrderBook:
        if self.down:
            raise ExchangeUnavailable("down")
        level = (Level(self.price, PLENTY),)
        return OrderBook(bids=level, asks=level if self.asks_there else ())

    async def symbol_rules(self, symbol: str) -> SymbolInfo | None:
        return a_symbol_info(symbol)

    def _take(self, order: Order, request: OrderRequest, behaviour: Behaviour) -> Entry:
        offered = PLENTY
        if behaviour is Behaviour.FILL_PARTLY:
            offered = Decimal("10.01")
        fill = None
        if behaviour not in {Behaviour.REST, Behaviour.FILL_NOTHING}:
            fill = walk([Level(self.price, offered)], request, TAKER_FEE, order.listing.quote_asset)
        entry = Entry(
            exchange_order_id=f"X{len(self.entries) + 1}",
            order=order,
            request=request,
            visible_at=self.now() + self.read_lag,
            working=behaviour is Behaviour.REST,
            fill=fill,
        )
        self.entries.append(entry)
        return entry


class ModelVenue:
    """A `Venue` on it. Each request is good for its window, counted from when it was prepared."""

    def __init__(self, exchange: ModelExchange, *, failpoint: Callable[[str], None] = lambda _: None) -> None:
        self.exchange = exchange
        self._failpoint = failpoint

    def prepare(self, order: Order, request: OrderRequest, /, *, at_ms: int | None = None) -> Ready:
        signed_at = self.exchange.now() if at_ms is None else _moment(at_ms, self.exchange.now())
        expires_at = signed_at + timedelta(milliseconds=request.recv_window_ms)

        async def send(may_write: MayWrite) -> Attempt:
            if not may_write():
                return Attempt(Unsent("held back"), self.exchange.now())
            self._failpoint("before_write")
            verdict = await self.exchange.receive(order, request, expires_at)
            self._failpoint("after_write")
            return Attempt(verdict, self.exchange.now())

        return send

    async def look_up(self, order: Order, /) -> Finding:
        if self.exchange.down:
            raise ExchangeUnavailable("down")
        for entry in self.exchange.named(order.client_order_id):
            if entry.visible_at > self.exchange.now():
                continue
            known = entry.exchange_order_id
            return Working(known) if entry.working else Ended(known, entry.fill)
        return Absent()

    async def cancel(self, order: Order, exchange_order_id: str, /) -> None:
        for entry in self.exchange.entries:
            if entry.exchange_order_id == exchange_order_id:
                entry.working = False


def _moment(at_ms: int, like: datetime) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, like.tzinfo)
