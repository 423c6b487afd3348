"""Orders signed while the exchange's clock is wrong, steps, or cannot be read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from executor.credentials import Credentials
from executor.dry_run import open_dry_run
from executor.order import Miss
from executor.paper import Fill
from executor.placing import DryRun
from executor.settings import ExecutorSettings
from shared.telemetry import Telemetry
from tests.builders import an_order
from tests.simulators import Simulator, simulator_in_this_process
from tests.waiting import eventually

TIME = "GET /api/v3/time"
ORDER = an_order(symbol="BTCUSDT")


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as running:
        yield running


@asynccontextmanager
async def trading(simulator: Simulator, seconds: float = 5) -> AsyncIterator[tuple[DryRun, Telemetry]]:
    keys, settings = (
        Credentials(simulator.api_key, simulator.api_secret),
        ExecutorSettings(exchange_timeout_seconds=seconds),
    )
    telemetry = Telemetry()
    async with open_dry_run(simulator.rest_url, keys, settings, telemetry) as placing:
        yield placing, telemetry


async def answers(simulator: Simulator) -> list[Any]:
    """What the exchange answered to each order, oldest first."""
    return [order["status"] for order in await simulator.orders()]


@pytest.mark.parametrize("seconds", [5, -5])
async def test_order_is_signed_by_the_exchanges_clock_where_ours_is_wrong(simulator: Simulator, seconds: int) -> None:
    await simulator.arm("clock_skew", seconds=seconds)
    async with trading(simulator) as (placing, telemetry):
        outcome = await placing.place(ORDER)

        shown = telemetry.registry.get_sample_value("sniper_executor_clock_offset_seconds")
    assert isinstance(outcome.result, Fill)
    assert await answers(simulator) == [200]
    assert shown == pytest.approx(seconds, abs=0.2)


@pytest.mark.parametrize("seconds", [5, -5])
async def test_clock_that_steps_costs_one_order_and_is_followed_at_once(simulator: Simulator, seconds: int) -> None:
    async with trading(simulator) as (placing, telemetry):
        await simulator.arm("clock_skew", seconds=seconds)
        refused = await placing.place(ORDER)
        await eventually(lambda: telemetry.not_ready() == [])
        taken = await placing.place(ORDER)

    assert isinstance(refused.result, Miss)
    assert refused.result.error_reason.startswith("order_test_rejected: 700003")
    assert isinstance(taken.result, Fill)
    assert await answers(simulator) == [400, 200]


async def test_nothing_is_signed_while_the_time_comes_too_slowly(simulator: Simulator) -> None:
    await simulator.arm("latency", endpoint=TIME, seconds=3, count=None)
    async with trading(simulator, seconds=0.5) as (placing, telemetry):
        outcome = await placing.place(ORDER)
        assert "executor" in telemetry.not_ready()

        await simulator.disarm()
        await eventually(lambda: telemetry.not_ready() == [], within_seconds=10)
        later = await placing.place(ORDER)

    assert isinstance(outcome.result, Miss)
    assert outcome.result.error_reason == "clock_uncertain: the exchange has not told its time"
    assert isinstance(later.result, Fill)
    assert await answers(simulator) == [200]


@pytest.mark.parametrize("fault", ["malformed_body", "drop_connection", "api_error"])
async def test_nothing_is_signed_while_the_time_cannot_be_read(simulator: Simulator, fault: str) -> None:
    await simulator.arm(fault, endpoint=TIME, count=None)
    async with trading(simulator) as (placing, _):
        outcome = await placing.place(ORDER)

    assert isinstance(outcome.result, Miss)
    assert outcome.result.error_reason.startswith("clock_uncertain: ")
    assert await answers(simulator) == []
