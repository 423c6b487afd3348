"""The test of a sale: what it asks, what each answer says, and what that does to the limits and the clock."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import parse_qs

import pytest

from executor.exits.sellability_probe import SaleTest
from executor.model.order import client_order_id
from executor.model.position import WatchedPosition
from executor.pricing.valuation import Quote
from executor.settings import ExecutorSettings
from shared.events import Listing, Mode, Side, TradingRules
from shared.mexc.errors import ClockUncertainError, NotSent, OutcomeUnknown, RateLimited
from shared.mexc.orders.order_api import Answer, MayWrite, MexcTrading, SignedOrder, always
from shared.mexc.payloads import Level
from shared.mexc.time.exchange_clock import ExchangeClock
from tests.support.data.builders import NOON
from tests.support.data.exchange_answers import a_refusal, an_answer
from tests.unit.executor.decisions.test_exit_triggers import a_position
from tests.waiting import eventually

PATH = "/api/v3/order/test"
TAKEN = an_answer(200, b"{}")
RULES = TradingRules(base_precision=2, quote_precision=4)
HELD = WatchedPosition(a_position(), close_requested=False)
BID = Quote((Level(Decimal("0.8"), Decimal(1000)),), ())


@dataclass
class Line:
    """Answers each test with *answer*, or raises it, once *may_answer* is set."""

    answer: Answer | Exception = TAKEN
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    sent: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    async def post(self, signed: SignedOrder, /, *, may_write: MayWrite = always) -> Answer:
        assert may_write()
        assert signed.headers["X-MEXC-APIKEY"] == "key"
        self.sent.append((signed.path, {name: values[0] for name, values in parse_qs(signed.query).items()}))
        await self.may_answer.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Limits:
    admitted: list[tuple[str, str]] = field(default_factory=list)
    refusals: list[RateLimited] = field(default_factory=list)

    @asynccontextmanager
    async def admission(self, method: str, path: str) -> AsyncIterator[None]:
        self.admitted.append((method, path))
        try:
            yield
        except RateLimited as refusal:
            self.refusals.append(refusal)
            raise


class Exchange:
    """An exchange with a known time, whose test of a sale is answered at once unless *answers* says otherwise."""

    def __init__(self, rules: TradingRules | None = RULES, *, answers: bool = True, time_is_known: bool = True) -> None:
        self.line, self.limits, self.rules, self.asked_for_time = Line(), Limits(), rules, 0
        if answers:
            self.line.may_answer.set()
        self.clock = ExchangeClock(self._time)
        self._time_is_known = time_is_known
        self.test = SaleTest(
            MexcTrading(self.line, api_key="key", api_secret="secret"),
            self.clock,
            self.limits.admission,
            ExecutorSettings(),
            rules=self._rules_of,
            now=lambda: NOON,
        )

    def _rules_of(self, listing: Listing) -> TradingRules | None:
        assert listing is HELD.position.listing
        return self.rules

    async def _time(self) -> int:
        self.asked_for_time += 1
        return 1_700_000_000_000

    async def passes(self, answer: Answer | Exception, quote: Quote = BID) -> bool | None:
        self.line.answer = answer
        async with self.in_time():
            return await self.test.passes(HELD, quote)

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        keeping = asyncio.create_task(self.clock.keep())
        if self._time_is_known:
            await self.clock.first_round.wait()
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])


async def test_a_symbol_that_takes_the_test_trades() -> None:
    assert await Exchange().passes(TAKEN) is True


@pytest.mark.parametrize("code", [30000, 30001, 30016, 10007, 30028, 30029, 10098, 30020, 30041, 26])
async def test_a_symbol_that_takes_no_orders_of_ours_does_not_trade(code: int) -> None:
    assert await Exchange().passes(a_refusal(code)) is False


@pytest.mark.parametrize(
    "answer", [a_refusal(30005), a_refusal(30010), a_refusal(700007), a_refusal(22222), an_answer(503, b"")]
)
async def test_an_answer_about_something_else_says_nothing_of_the_symbol(answer: Answer) -> None:
    assert await Exchange().passes(answer) is None


async def test_all_of_the_position_is_offered_under_a_name_that_no_sale_of_it_has() -> None:
    exchange = Exchange()
    await exchange.passes(TAKEN)
    [(path, params)] = exchange.line.sent
    key, position = HELD.position.listing.key, HELD.position
    names = {
        client_order_id(key, Mode.LIVE, Side.SELL, sequence, attempt=attempt)
        for sequence in range(1, 20)
        for attempt in range(1, 20)
    }

    assert (path, exchange.limits.admitted) == (PATH, [("POST", PATH)])
    assert (params["symbol"], params["side"], params["type"]) == (position.symbol, "SELL", "IMMEDIATE_OR_CANCEL")
    assert Decimal(params["quantity"]) == position.base_qty
    assert Decimal(params["price"]) <= Decimal("0.8")
    assert params["newClientOrderId"] not in names


async def test_nothing_is_asked_where_no_sale_could_be_made() -> None:
    exchange = Exchange()

    assert await exchange.passes(TAKEN, Quote((), ())) is None
    assert (exchange.line.sent, exchange.limits.admitted) == ([], [])


@pytest.mark.parametrize(("status", "banned"), [(429, False), (418, True)])
async def test_a_refusal_for_the_rate_reaches_the_limiter(status: int, banned: bool) -> None:
    exchange = Exchange()

    with pytest.raises(RateLimited):
        await exchange.passes(an_answer(status, b"", {"retry-after": "7"}))
    [refusal] = exchange.limits.refusals
    assert (refusal.retry_after_seconds, refusal.banned) == (7, banned)


async def test_a_refusal_for_its_time_has_the_time_asked_for_again_and_says_nothing_of_the_symbol() -> None:
    exchange = Exchange()
    exchange.line.answer = a_refusal(700003)
    async with exchange.in_time():
        before = exchange.asked_for_time
        passes = await exchange.test.passes(HELD, BID)
        assert exchange.clock.is_trustworthy()
        await eventually(lambda: exchange.asked_for_time > before)

    assert passes is None


async def test_nothing_is_sent_while_the_time_is_not_known() -> None:
    exchange = Exchange(time_is_known=False)

    with pytest.raises(ClockUncertainError):
        await exchange.passes(TAKEN)
    assert exchange.line.sent == []


@pytest.mark.parametrize("error", [NotSent("away"), OutcomeUnknown("away")])
async def test_an_answer_that_does_not_come_is_raised(error: NotSent | OutcomeUnknown) -> None:
    with pytest.raises(type(error)):
        await Exchange().passes(error)


async def test_one_test_at_a_time_leaves_the_other_lines_to_sales() -> None:
    exchange = Exchange(answers=False)
    async with exchange.in_time(), asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(exchange.test.passes(HELD, BID)) for _ in range(2)]
        for _ in range(10):
            await asyncio.sleep(0)
        under_way = len(exchange.line.sent)
        exchange.line.may_answer.set()

    assert (under_way, len(exchange.line.sent), [each.result() for each in both]) == (1, 2, [True, True])
