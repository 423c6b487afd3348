"""Orders signed while the exchange's clock is wrong, steps, or cannot be read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from executor.credentials import Credentials
from executor.exchange import Exchange, open_exchange
from executor.metrics import show_clock
from executor.settings import ExecutorSettings
from executor.venue import Venue
from executor.verdicts import Accepted, Executed, Untimely, Verdict
from shared.events import Mode, Side
from shared.mexc.clock import ClockUncertainError
from shared.mexc.order_transport import always
from shared.mexc.trading import OrderRequest
from tests.builders import a_listing, an_order
from tests.limiters import a_limiter
from tests.simulators import Simulator, simulator_in_this_process
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

    async def send(self) -> Verdict:
        return (await self.venue.prepare(ORDER, REQUEST)(always)).verdict

    async def ready(self) -> None:
        await eventually(self.exchange.is_ready, within_seconds=10)


@asynccontextmanager
async def trading(simulator: Simulator, mode: Mode, seconds: float = 5) -> AsyncIterator[Trading]:
    keys = Credentials(simulator.api_key, simulator.api_secret)
    settings, registry = ExecutorSettings(exchange_timeout_seconds=seconds), CollectorRegistry()
    async with open_exchange(simulator.rest_url, keys, settings, a_limiter(), live=True) as exchange:
        show_clock(exchange.clock, registry)
        yield Trading(exchange, exchange.venues[mode], registry)


def taken(verdict: Verdict) -> bool:
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

    assert isinstance(refused, Untimely)
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
