"""A model exchange behind the ports of the real one: lines for orders, the account, market data and its clock."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import parse_qs

import msgspec

from executor.venues.venue import Way
from shared.events import Side, utc_now
from shared.mexc.errors import ExchangeRejected, ExchangeUnavailable, NotSent, OutcomeUnknown, RateLimited
from shared.mexc.orders.order_api import Answer, MayWrite, SignedOrder, always
from shared.mexc.orders.order_reports import Balance, KeyRights, OrderReport, TradeReport
from shared.mexc.payloads import BookTicker, OrderBook, PublicTrade
from shared.mexc.symbols import SymbolInfo
from tests.support.data.builders import NOON
from tests.support.model.model_ledger import Entry, FeeIn, FillKind, Ledger, Sent
from tests.support.model.model_market import Coin, Trading

ANSWER_SECONDS_MAX = 1.0
WAY_SECONDS = 0.02
"""There and back."""
EARLY_MS_MAX = 1_000
_OUT_OF_WINDOW = 700003
TEST_PATH = "/api/v3/order/test"


@dataclass(frozen=True)
class Fate:
    """What becomes of one request."""

    cut: bool = False
    """Not a byte of it is written."""
    swallowed: bool = False
    """It never arrives."""
    arrives_after: float = WAY_SECONDS
    answered_after: float = WAY_SECONDS
    lie: tuple[int, bytes, str] | None = None
    """The status, the body and Retry-After that stand for the answer it should have had."""
    is_taken: bool = True
    """Where the answer is a lie."""
    fill: FillKind = "all"
    fee_in: FeeIn = "quote"
    word: str = ""
    hidden_seconds: float = 0.0
    hidden_by: frozenset[Way] = frozenset()


HONEST = Fate()


@dataclass
class ModelExchange:
    clock: Callable[[], float]
    """Seconds, never stepped."""
    on_request: Callable[[Sent], Awaitable[None]]
    ledger: Ledger = field(default_factory=Ledger)
    coins: dict[str, Coin] = field(default_factory=dict)
    fates: deque[Fate] = field(default_factory=deque)
    ahead_seconds: float = 0.0
    drift: float = 0.0
    is_down: bool = False
    limited_until: float = 0.0
    requests: list[tuple[float, Sent]] = field(default_factory=list)
    """To take an order, and when each was sent."""
    looked_at: dict[str, float] = field(default_factory=dict)
    """When the price of a symbol was read last."""
    _processing: set[asyncio.Task[Answer]] = field(default_factory=set)

    def now_ms(self) -> int:
        """Return the time by this exchange's clock."""
        seconds = self.clock() * (1 + self.drift) + self.ahead_seconds
        return int((NOON.timestamp() + seconds) * 1000)

    async def close(self) -> None:
        for task in list(self._processing):
            task.cancel()
        await asyncio.gather(*self._processing, return_exceptions=True)

    # The line that orders leave by.

    async def post(self, signed: SignedOrder, /, *, may_write: MayWrite = always) -> Answer:
        path, query = signed.path, signed.query
        if not may_write():
            raise NotSent("held back")
        fate = self.fates.popleft() if self.fates and path != TEST_PATH else HONEST
        if fate.cut or self.is_down:
            raise NotSent("cut")
        if path == TEST_PATH:
            return self._tested(_sent(query))
        sent = _sent(query)
        self.requests.append((self.clock(), sent))
        await self.on_request(sent)
        processing = asyncio.get_running_loop().create_task(self._processed(sent, fate))
        self._processing.add(processing)
        processing.add_done_callback(self._processing.discard)
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                return await asyncio.shield(processing)
        except TimeoutError:
            raise OutcomeUnknown("no answer in time") from None

    async def _processed(self, sent: Sent, fate: Fate) -> Answer:
        await asyncio.sleep(fate.arrives_after)
        if fate.swallowed:
            await asyncio.sleep(2 * ANSWER_SECONDS_MAX)
            return _answer(504, b"")
        refusal = self._refusal(sent)
        taken = refusal is None and (fate.lie is None or fate.is_taken)
        entry = self._take(sent, fate) if taken else None
        await asyncio.sleep(fate.answered_after)
        if fate.lie is not None:
            return _answer(*fate.lie)
        if entry is not None:
            return _answer(200, msgspec.json.encode({"symbol": sent.symbol, "orderId": entry.order_id}))
        assert refusal is not None
        return _answer(400, msgspec.json.encode({"code": refusal[0], "msg": refusal[1]}))

    def _tested(self, sent: Sent) -> Answer:
        """Answer the test of an order, which makes none."""
        refusal = self._refusal(sent, is_test=True)
        if refusal is None:
            return _answer(200, b"{}")
        return _answer(400, msgspec.json.encode({"code": refusal[0], "msg": refusal[1]}))

    def _refusal(self, sent: Sent, *, is_test: bool = False) -> tuple[int, str] | None:
        now_ms, coin = self.now_ms(), self.coins.get(sent.symbol)
        if not now_ms - sent.window_ms <= sent.timestamp_ms <= now_ms + EARLY_MS_MAX:
            return _OUT_OF_WINDOW, "Timestamp for this request is outside of the recvWindow"
        if coin is None or coin.trading is Trading.DELISTED:
            return -1121, "Invalid symbol"
        if coin.trading is Trading.SUSPENDED:
            return 30000, "Trading suspended"
        if sent.quantity * sent.price < 1:
            return 30002, "The minimum transaction volume cannot be less than：1USDT"
        return self._refusal_of_sale(sent, coin, is_test=is_test) if sent.side is Side.SELL else None

    def _refusal_of_sale(self, sent: Sent, coin: Coin, *, is_test: bool) -> tuple[int, str] | None:
        if coin.refuses_sales is not None and not (is_test and coin.tests_pass):
            return coin.refuses_sales, "no sale of it now"
        return (30005, "Oversold") if sent.quantity > self.ledger.free(coin.asset) else None

    def _take(self, sent: Sent, fate: Fate) -> Entry:
        now = self.clock()
        entry = Entry(
            order_id=f"X{len(self.ledger.entries) + 1}",
            sent=sent,
            coin=self.coins[sent.symbol],
            taken_at=now,
            created_ms=self.now_ms(),
            shown_at=now + fate.hidden_seconds,
            hidden_by=fate.hidden_by,
            word=fate.word,
        )
        self.ledger.execute(entry, fate.fill, fate.fee_in, now, self.now_ms())
        if not entry.trades:
            entry.hidden_by -= {Way.ALL_ORDERS}  # Something has to show it.
        return entry

    # The account.

    async def order_by_client_id(self, symbol: str, client_order_id: str) -> OrderReport | None:
        found = await self._shown(symbol, Way.CLIENT_ID)
        return next((each.report() for each in reversed(found) if each.sent.client_order_id == client_order_id), None)

    async def order_by_id(self, symbol: str, order_id: str) -> OrderReport | None:
        found = await self._shown(symbol, Way.EXCHANGE_ID)
        return next((each.report() for each in found if each.order_id == order_id), None)

    async def open_orders(self, symbol: str) -> Sequence[OrderReport]:
        return [each.report() for each in await self._shown(symbol, Way.OPEN_ORDERS) if each.working]

    async def all_orders(self, symbol: str, *, start_ms: int) -> Sequence[OrderReport]:
        found = await self._shown(symbol, Way.ALL_ORDERS)
        return [each.report() for each in found if each.created_ms >= start_ms]

    async def trades_page(
        self, symbol: str, *, order_id: str = "", start_ms: int | None = None, end_ms: int | None = None
    ) -> Sequence[TradeReport]:
        found = await self._shown(symbol, Way.TRADES)
        return [
            trade
            for each in found
            if not order_id or each.order_id == order_id
            for trade in each.trades
            if (start_ms or 0) <= each.created_ms <= (end_ms or each.created_ms)
        ][-100:]

    async def key_rights(self) -> KeyRights:
        return KeyRights(can_trade=True, can_withdraw=False, kinds=("SPOT",))

    async def balances(self) -> Mapping[str, Balance]:
        await self._asked()
        return self.ledger.balances()

    async def cancel(self, symbol: str, *, order_id: str = "", client_order_id: str = "") -> OrderReport:
        await self._asked()
        for each in self.ledger.entries:
            if each.order_id == order_id and each.working:
                each.working = False
                return each.report()
        raise ExchangeRejected(-2011, "Unknown order sent")

    async def _shown(self, symbol: str, way: Way) -> list[Entry]:
        await self._asked()
        now = self.clock()
        ours = (each for each in self.ledger.entries if each.sent.symbol == symbol)
        return [each for each in ours if each.shown_at <= now and way not in each.hidden_by]

    # Market data.

    async def depth(self, symbol: str, limit: int) -> OrderBook:
        book = (await self._known(symbol)).looked_at()
        self.looked_at[symbol] = self.clock()
        return book

    async def book_tickers(self) -> Sequence[BookTicker]:
        await self._asked()
        self.looked_at |= dict.fromkeys(self.coins, self.clock())
        return [each.ticker() for each in self.coins.values() if each.trading is not Trading.DELISTED]

    async def symbol_rules(self, symbol: str) -> SymbolInfo | None:
        await self._asked()
        coin = self.coins.get(symbol)
        return None if coin is None else coin.info()

    async def recent_trades(self, symbol: str, limit: int = 1000) -> Sequence[PublicTrade]:
        return [PublicTrade((await self._known(symbol)).price, Decimal(1), utc_now())]

    async def server_time(self) -> int:
        await self._asked()
        return self.now_ms()

    async def _known(self, symbol: str) -> Coin:
        await self._asked()
        coin = self.coins.get(symbol)
        if coin is None or coin.trading is Trading.DELISTED:
            raise ExchangeRejected(-1121, "Invalid symbol")
        return coin

    async def _asked(self) -> None:
        await asyncio.sleep(WAY_SECONDS)
        if self.is_down:
            raise ExchangeUnavailable("down")
        if self.clock() < self.limited_until:
            raise RateLimited(0.5)


ONLY_TRADES = frozenset({Way.EXCHANGE_ID, Way.CLIENT_ID, Way.OPEN_ORDERS, Way.ALL_ORDERS})


def _sent(query: str) -> Sent:
    told = {name: values[0] for name, values in parse_qs(query).items()}
    return Sent(
        symbol=told["symbol"],
        side=Side(told["side"]),
        client_order_id=told["newClientOrderId"],
        quantity=Decimal(told["quantity"]),
        price=Decimal(told["price"]),
        timestamp_ms=int(told["timestamp"]),
        window_ms=int(told["recvWindow"]),
    )


def _answer(status: int, body: bytes, retry_after: str = "") -> Answer:
    headers = {"retry-after": retry_after} if retry_after else {}
    return Answer(status, headers, body, utc_now(), 0.0)
