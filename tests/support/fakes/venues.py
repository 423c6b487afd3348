"""An exchange in this process, with a ledger of its own that forgets nothing it was sent."""

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from executor.model.fill import Fill
from executor.model.order import Order
from executor.model.reasons import Reason
from executor.model.send_result import (
    Accepted,
    NotOpen,
    PriceRefused,
    Rejected,
    SendResult,
    Throttled,
    TimestampRefused,
    Unanswered,
    Unsent,
    WrongSize,
)
from executor.pricing.fill_simulation import simulated_fill, take_levels
from executor.sending.last_balances import BalanceSource
from executor.venues.venue import EVERY_WAY, Absent, Attempt, Ended, Finding, Unclear, Untold, Way, Working
from shared.events import Side
from shared.mexc.errors import ExchangeUnavailable
from shared.mexc.orders.order_api import MayWrite, OrderRequest, SignedOrder
from shared.mexc.orders.order_reports import Balance
from shared.mexc.payloads import Level, OrderBook, PublicTrade
from shared.mexc.symbols import SymbolInfo
from tests.support.data.builders import a_symbol_info

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
    NO_OFFERS = "refuse for want of an opposite order"
    NOT_OPEN = "not open"
    TOO_DEAR = "too dear"
    WRONG_SIZE = "wrong size"
    UNTIMELY = "untimely"
    BUSY = "busy"
    TAKE_AND_BE_BUSY = "take the order, and answer as one that takes none now"


_REFUSALS: dict[Behaviour, SendResult] = {
    Behaviour.REFUSE: Rejected(Reason.INSUFFICIENT_BALANCE, "30004"),
    Behaviour.NO_OFFERS: Rejected(Reason.NO_LIQUIDITY, "30025"),
    Behaviour.NOT_OPEN: NotOpen("30001"),
    Behaviour.TOO_DEAR: PriceRefused("30010", Decimal("2.05")),
    Behaviour.WRONG_SIZE: WrongSize(Reason.SIZE_REFUSED, "30002", None),
    Behaviour.UNTIMELY: TimestampRefused("700003"),
    Behaviour.BUSY: Throttled("429", 0.05),
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
    word: str = ""
    """Its status, where that is an unknown one."""


@dataclass
class ModelExchange:
    """Sells every coin for two dollars, in any amount, and treats each request as scripted."""

    now: Callable[[], datetime]
    on_request: Callable[[Order, OrderRequest], Awaitable[None]] | None = None
    """Called with every request that is written, before its effect."""
    price: Decimal = Decimal(2)
    read_lag: timedelta = timedelta(0)
    asks_there: bool = True
    entries: list[Entry] = field(default_factory=list)
    received: list[OrderRequest] = field(default_factory=list)
    script: deque[Behaviour] = field(default_factory=deque)
    otherwise: Behaviour = Behaviour.FILL
    down: bool = False
    hidden_from: set[Way] = field(default_factory=set)
    """By which ways no order is shown."""
    denies_fills: bool = False
    """It says of every order that it got nothing; its trades say otherwise."""
    trades_missing: bool = False
    """Not all trades of an order are listed."""
    rules: SymbolInfo | None = None
    """What it demands of every symbol; None: what any test's symbol has."""
    others: dict[str, Decimal] = field(default_factory=dict)
    """Coins that the account holds for other reasons."""
    account: BalanceSource | None = None
    """What the account holds, where an executor may ask for it."""

    async def receive(self, order: Order, request: OrderRequest, expires_at: datetime) -> SendResult:
        behaviour = self.script.popleft() if self.script else self.otherwise
        if behaviour is Behaviour.CUT:
            return Unsent("cut")
        self.received.append(request)
        if self.on_request is not None:
            await self.on_request(order, request)
        if behaviour is Behaviour.SWALLOW:
            return Unanswered("swallowed")
        if self.now() > expires_at:
            return TimestampRefused("outside of its window")
        if behaviour in _REFUSALS:
            return _REFUSALS[behaviour]
        entry = self._take(order, request, behaviour)
        if behaviour is Behaviour.TAKE_AND_BE_BUSY:
            return _REFUSALS[Behaviour.BUSY]
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

    def balance(self, asset: str) -> Balance:
        """What was bought and not sold of *asset*; a sale that works locks its coins."""
        free, locked = self.others.get(asset, Decimal(0)), Decimal(0)
        for each in self.entries:
            if each.order.listing.base_asset != asset:
                continue
            if each.fill is not None:
                fill, fee = each.fill, each.fill.fees.get(asset, Decimal(0))
                free += fill.base_qty - fee if each.request.side is Side.BUY else -fill.base_qty - fee
            if each.working and each.request.side is Side.SELL:
                locked += each.request.quantity or 0
        return Balance(free - locked, locked)

    async def depth(self, symbol: str, limit: int) -> OrderBook:
        if self.down:
            raise ExchangeUnavailable("down")
        level = (Level(self.price, PLENTY),)
        return OrderBook(bids=level, asks=level if self.asks_there else ())

    async def symbol_rules(self, symbol: str) -> SymbolInfo | None:
        return a_symbol_info(symbol) if self.rules is None else self.rules

    async def recent_trades(self, symbol: str, limit: int = 1000) -> list[PublicTrade]:
        return [PublicTrade(self.price, Decimal(1), self.now())]

    def _take(self, order: Order, request: OrderRequest, behaviour: Behaviour) -> Entry:
        offered = PLENTY
        if behaviour is Behaviour.FILL_PARTLY:
            offered = Decimal("10.01")
        fill = None
        if behaviour not in {Behaviour.REST, Behaviour.FILL_NOTHING}:
            fill = simulated_fill(
                take_levels([Level(self.price, offered)], request), TAKER_FEE, order.listing.quote_asset
            )
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
        self.asked: list[tuple[str, frozenset[Way]]] = []
        """Who was looked for, and by which ways."""
        self.cancelled: list[str] = []

    def sign(self, request: OrderRequest, /, *, at_ms: int | None = None) -> SignedOrder:
        now_ms = int(self.exchange.now().timestamp() * 1000)
        return SignedOrder(request, "/api/v3/order", "signed", {}, now_ms if at_ms is None else at_ms)

    async def send(self, order: Order, signed: SignedOrder, may_write: MayWrite, /) -> Attempt:
        if not may_write():
            return Attempt(Unsent("held back"), self.exchange.now())
        self._failpoint("before_write")
        expires_ms = signed.timestamp_ms + signed.request.recv_window_ms
        verdict = await self.exchange.receive(order, signed.request, _moment(expires_ms, self.exchange.now()))
        self._failpoint("after_write")
        return Attempt(verdict, self.exchange.now())

    async def look_up(self, order: Order, ways: Collection[Way] = EVERY_WAY, /, *, has_ended: bool = False) -> Finding:
        if self.exchange.down:
            raise ExchangeUnavailable("down")
        self.asked.append((order.sent_as, frozenset(ways)))
        shown_by = [way for way in ways if way not in self.exchange.hidden_from and way is not Way.BALANCE]
        for entry in self.exchange.named(order.sent_as):
            if entry.visible_at > self.exchange.now() or not shown_by:
                continue
            return self._found(entry, only_trades=shown_by == [Way.TRADES], has_ended=has_ended)
        return Absent()

    def _found(self, entry: Entry, *, only_trades: bool, has_ended: bool) -> Finding:
        known = entry.exchange_order_id
        if only_trades:
            return Absent() if entry.fill is None else Untold(known, entry.fill, "only its trades are shown")
        if self.exchange.denies_fills:
            return Ended(known, None)
        if entry.word and not has_ended:
            return Unclear(known, entry.word, None if entry.fill is None else entry.fill.base_qty)
        if self.exchange.trades_missing and entry.fill is not None:
            return Untold(known, entry.fill, "its trades do not add up")
        return Working(known) if entry.working else Ended(known, entry.fill, entry.word)

    async def balance(self, asset: str, /) -> Balance | None:
        if self.exchange.down:
            raise ExchangeUnavailable("down")
        return self.exchange.balance(asset)

    async def cancel(self, order: Order, exchange_order_id: str, /) -> None:
        self.cancelled.append(order.sent_as)
        for entry in self.exchange.entries:
            if entry.exchange_order_id == exchange_order_id:
                entry.working = False


def _moment(at_ms: int, like: datetime) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, like.tzinfo)
