"""Orders signed while the exchange's clock is wrong, steps, or cannot be read."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from executor.metrics import show_clock
from executor.model.send_result import Accepted, Executed, SendResult, TimestampRefused
from executor.settings import ExecutorSettings
from executor.venues.credentials import Credentials
from executor.venues.exchange_connections import Exchange, open_exchange
from executor.venues.venue import Venue
from shared.events import Mode, Side
from shared.mexc.errors import ClockUncertainError, ExchangeRejected
from shared.mexc.orders.order_api import OrderRequest, always
from shared.mexc.time.exchange_clock import SAMPLES
from tests.support.data.builders import a_listing, an_order
from tests.support.fakes.limiters import a_limiter
from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.waiting import eventually

TIME = "GET /api/v3/time"
ORDER = an_order(listing=a_listing(symbol="BTCUSDT", base_asset="BTC"))
REQUEST = OrderRequest(
    symbol="BTCUSDT", side=Side.BUY, type="MARKET", client_order_id="snABC", quote_order_qty=Decimal(20)
)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as running:
        yield running


@pytest.fixture(params=Mode)
def mode(request: pytest.FixtureRequest) -> Mode:
    return Mode(request.param)


@dataclass(frozen=True)
class Trading:
    exchange: Exchange
    venue: Venue
    registry: CollectorRegistry

    async def send(self) -> SendResult:
        return (await self.venue.send(ORDER, self.venue.sign(REQUEST), always)).verdict

    async def ready(self) -> None:
        await eventually(self.exchange.is_ready)


@asynccontextmanager
async def trading(simulator: Simulator, mode: Mode, seconds: float = 5) -> AsyncIterator[Trading]:
    keys = Credentials(simulator.api_key, simulator.api_secret)
    settings, registry = ExecutorSettings(exchange_timeout_seconds=seconds), CollectorRegistry()
    async with open_exchange(simulator.rest_url, keys, settings, a_limiter(), live=True) as exchange:
        show_clock(exchange.clock, registry)
        yield Trading(exchange, exchange.venues[mode], registry)


def taken(verdict: SendResult) -> bool:
    return isinstance(verdict, Accepted | Executed)


async def answers(simulator: Simulator) -> list[Any]:
    """What the exchange answered to each order, oldest first."""
    return [order["status"] for order in await simulator.orders()]


@pytest.mark.parametrize("seconds", [5, -5])
async def test_order_is_signed_by_the_exchanges_clock_where_ours_is_wrong(
    simulator: Simulator, mode: Mode, seconds: int
) -> None:
    await simulator.arm("clock_skew", seconds=seconds)
    async with trading(simulator, mode) as trader:
        await trader.ready()
        verdict = await trader.send()

        shown = trader.registry.get_sample_value("sniper_executor_clock_offset_seconds")
    assert taken(verdict)
    assert await answers(simulator) == [200]
    assert shown == pytest.approx(seconds, abs=0.2)


@pytest.mark.parametrize("seconds", [5, -5])
async def test_clock_that_steps_costs_one_attempt_and_is_followed_at_once(
    simulator: Simulator, mode: Mode, seconds: int
) -> None:
    async with trading(simulator, mode) as trader:
        await trader.ready()
        await simulator.arm("clock_skew", seconds=seconds)
        refused = await trader.send()
        await trader.ready()
        again = await trader.send()

    assert isinstance(refused, TimestampRefused)
    assert taken(again)
    assert await answers(simulator) == [400, 200]


async def test_nothing_is_signed_while_the_time_comes_too_slowly(simulator: Simulator, mode: Mode) -> None:
    await simulator.arm("latency", endpoint=TIME, seconds=3, count=None)
    async with trading(simulator, mode, seconds=0.5) as trader:
        assert not trader.exchange.is_ready()
        with pytest.raises(ClockUncertainError, match="the exchange has not told its time"):
            await trader.send()

        await simulator.disarm()
        await trader.ready()
        verdict = await trader.send()

    assert taken(verdict)
    assert await answers(simulator) == [200]


@pytest.mark.parametrize("fault", ["malformed_body", "drop_connection", "api_error"])
async def test_nothing_is_signed_while_the_time_cannot_be_read(simulator: Simulator, mode: Mode, fault: str) -> None:
    await simulator.arm(fault, endpoint=TIME, count=None)
    async with trading(simulator, mode) as trader:
        with pytest.raises(ClockUncertainError):
            await trader.send()

    assert await answers(simulator) == []


ASKED = "GET /api/v3/order, GET /api/v3/openOrders, GET /api/v3/allOrders, GET /api/v3/account, DELETE /api/v3/order"


async def ask_for_an_order(exchange: Exchange) -> object:
    return await exchange.venues[Mode.LIVE].look_up(ORDER)


async def ask_for_balances(exchange: Exchange) -> object:
    assert exchange.account is not None
    return await exchange.account.balances()


async def ask_for_balances_to_sell(exchange: Exchange) -> object:
    assert exchange.exits.account is not None
    return await exchange.exits.account.balances()


async def cancel_an_order(exchange: Exchange) -> None:
    await exchange.venues[Mode.LIVE].cancel(ORDER, "1")


QUESTIONS = (ask_for_an_order, ask_for_balances, ask_for_balances_to_sell, cancel_an_order)


@pytest.mark.parametrize("ask", QUESTIONS, ids=lambda ask: ask.__name__)
async def test_question_that_is_refused_for_its_time_corrects_the_clock_before_an_order_finds_out(
    simulator: Simulator, ask: Callable[[Exchange], Awaitable[object]]
) -> None:
    async with trading(simulator, Mode.LIVE) as trader:
        await trader.ready()
        await simulator.arm("clock_skew", seconds=-5)
        with pytest.raises(ExchangeRejected, match="700003"):
            await ask(trader.exchange)
        await eventually(lambda: trader.exchange.clock.ahead_seconds() < -4)
        verdict = await trader.send()

    assert taken(verdict)
    assert await answers(simulator) == [200]


async def test_questions_that_go_on_being_refused_keep_no_order_from_being_signed(simulator: Simulator) -> None:
    await simulator.arm("api_error", endpoint=ASKED, code=700003, message="not now", count=None)
    async with trading(simulator, Mode.LIVE) as trader:
        await trader.ready()
        before = (await simulator.requests())[TIME]
        for _ in range(10):
            with pytest.raises(ExchangeRejected):
                await ask_for_balances(trader.exchange)
            assert trader.exchange.is_ready()
        verdict = await trader.send()
        asked = (await simulator.requests())[TIME] - before

    assert taken(verdict)
    assert asked <= 2 * SAMPLES  # One round for all of them, or two on a machine that takes seconds for ten questions.
