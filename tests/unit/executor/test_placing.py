import asyncio
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from executor.order import Miss
from executor.paper import Fill
from executor.placing import Checking, DryRun
from shared.events import Side, TradeStatus
from shared.mexc.clock import ClockUncertainError
from shared.mexc.errors import (
    ExchangeError,
    ExchangeRejected,
    ExchangeUnavailable,
    NotSent,
    OutcomeUnknown,
    RateLimited,
)
from shared.mexc.order_transport import Answer
from shared.mexc.payloads import Level, OrderBook
from shared.mexc.trading import OrderRequest
from tests.builders import NOON, an_order

ORDER = an_order()
BOOK = OrderBook(bids=(), asks=(Level(Decimal(2), Decimal(1000)),))
TAKEN = Answer(200, {}, b"{}", NOON, 0.001)


@dataclass
class Exchange:
    """Answers as told, and remembers in which order it was asked what."""

    answer: Answer | ExchangeError = TAKEN
    book: OrderBook | ExchangeError = BOOK
    slow_book: bool = False
    asked: list[str] = field(default_factory=list)
    requests: list[tuple[OrderRequest, int]] = field(default_factory=list)

    async def test_order(self, order: OrderRequest, *, now_ms: int) -> Answer:
        self.asked.append("order/test")
        self.requests.append((order, now_ms))
        await asyncio.sleep(0)
        if isinstance(self.answer, ExchangeError):
            raise self.answer
        return self.answer

    async def depth(self, symbol: str, limit: int) -> OrderBook:
        self.asked.append(f"depth {symbol}")
        if self.slow_book:
            await asyncio.Event().wait()
        if isinstance(self.book, ExchangeError):
            raise self.book
        return self.book


@dataclass
class ExchangeTime:
    """Seven milliseconds past noon at the exchange, unless nobody knows."""

    known: bool = True
    doubts: int = 0

    def now_ms(self) -> int:
        if not self.known:
            raise ClockUncertainError("the exchange has not told its time")
        return int(NOON.timestamp() * 1000) + 7

    def doubt(self) -> None:
        self.doubts += 1


def a_dry_run(exchange: Exchange, *, with_keys: bool = True, clock: ExchangeTime | None = None) -> DryRun:
    checking = Checking(exchange, clock or ExchangeTime()) if with_keys else None
    return DryRun(exchange, checking, taker_fee=Decimal("0.0005"), now=lambda: NOON)


async def test_the_order_goes_out_before_the_book_is_asked_for() -> None:
    exchange = Exchange()

    await a_dry_run(exchange).place(ORDER)

    assert exchange.asked == ["order/test", "depth ABCUSDT"]


async def test_the_request_is_the_one_a_live_order_would_be() -> None:
    exchange = Exchange()

    await a_dry_run(exchange).place(ORDER)

    assert exchange.requests == [
        (
            OrderRequest(
                symbol="ABCUSDT",
                side=Side.BUY,
                type="MARKET",
                client_order_id="snABC",
                quote_order_qty=Decimal("99.95"),
            ),
            int(NOON.timestamp() * 1000) + 7,
        )
    ]


async def test_the_book_tells_what_the_order_would_have_got() -> None:
    outcome = await a_dry_run(Exchange()).place(ORDER)

    assert outcome.result == Fill(base_qty=Decimal("49.975"), cost=Decimal("99.95"), fee=Decimal("0.049975"))
    assert outcome.result.quote_spent == Decimal("100.00")


async def test_without_keys_only_the_book_is_asked() -> None:
    exchange = Exchange()

    outcome = await a_dry_run(exchange, with_keys=False).place(ORDER)

    assert exchange.asked == ["depth ABCUSDT"]
    assert isinstance(outcome.result, Fill)


async def test_a_refused_order_does_not_wait_for_the_book() -> None:
    refused = Answer(400, {}, b'{"code": 30016, "msg": "Trading disabled"}', NOON, 0.001)

    outcome = await a_dry_run(Exchange(answer=refused, slow_book=True)).place(ORDER)

    assert outcome.result == Miss(TradeStatus.REJECTED, "order_test_rejected: 30016 Trading disabled")


async def test_without_the_exchanges_time_nothing_is_signed_or_sent() -> None:
    exchange = Exchange()

    outcome = await a_dry_run(exchange, clock=ExchangeTime(known=False)).place(ORDER)

    assert outcome.result == Miss(TradeStatus.FAILED, "clock_uncertain: the exchange has not told its time")
    assert exchange.requests == []


@pytest.mark.parametrize(("code", "doubts"), [(700003, 1), (10073, 1), (30016, 0)])
async def test_only_a_timestamp_the_exchange_refused_casts_doubt_on_the_clock(code: int, doubts: int) -> None:
    refused = Answer(400, {}, b'{"code": %d, "msg": "no"}' % code, NOON, 0.001)
    clock = ExchangeTime()

    await a_dry_run(Exchange(answer=refused), clock=clock).place(ORDER)

    assert clock.doubts == doubts


@pytest.mark.parametrize("error", [NotSent("no line"), OutcomeUnknown("cut off")])
async def test_an_order_test_without_an_answer_fails(error: ExchangeError) -> None:
    outcome = await a_dry_run(Exchange(answer=error)).place(ORDER)

    assert outcome.result == Miss(TradeStatus.FAILED, f"exchange_unavailable: {error}")


@pytest.mark.parametrize("with_keys", [True, False])
@pytest.mark.parametrize("error", [ExchangeUnavailable("HTTP 503"), RateLimited(3), ExchangeRejected(403, "denied")])
async def test_a_book_that_cannot_be_read_fails(error: ExchangeError, with_keys: bool) -> None:
    outcome = await a_dry_run(Exchange(book=error), with_keys=with_keys).place(ORDER)

    assert outcome.result == Miss(TradeStatus.FAILED, f"exchange_unavailable: {error}")


async def test_a_symbol_the_exchange_does_not_know_is_rejected() -> None:
    unknown = ExchangeRejected(-1121, "Invalid symbol.")

    outcome = await a_dry_run(Exchange(book=unknown), with_keys=False).place(ORDER)

    assert outcome.result == Miss(TradeStatus.REJECTED, "symbol_unknown")


async def test_a_book_without_offers_is_no_liquidity() -> None:
    outcome = await a_dry_run(Exchange(book=OrderBook(bids=BOOK.asks, asks=()))).place(ORDER)

    assert outcome.result == Miss(TradeStatus.REJECTED, "no_liquidity")
