"""The simulator's state over real processes: killed, stopped and started again, on a file that was spoilt."""

import asyncio
import signal
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.running.simulators import Simulator, running_simulator
from tests.support.running.traders import Trader, info_of, trading
from tests.waiting import eventually


@pytest.fixture
def state(tmp_path: Path) -> dict[str, Any]:
    """The settings of a simulator that keeps its state."""
    return {"state_file": tmp_path / "simulator.sqlite"}


def set_aside_in(directory: Path) -> Path:
    [kept] = directory.glob("simulator.sqlite.*")
    return kept


async def balances(trader: Trader) -> dict[str, Decimal]:
    account = (await trader.signed("GET", "/api/v3/account")).json()
    return {each["asset"]: Decimal(each["free"]) for each in account["balances"]}


async def seen(simulator: Simulator, trader: Trader) -> dict[str, Any]:
    """What a client of ours may remember of the exchange."""
    return {
        "symbols": {each["symbol"] for each in (await trader.get("/api/v3/exchangeInfo"))["symbols"]},
        "orders": (await trader.signed("GET", "/api/v3/allOrders", symbol="NEWUSDT")).json(),
        "trades": (await trader.signed("GET", "/api/v3/myTrades", symbol="NEWUSDT")).json(),
        "balances": await balances(trader),
        "coin": await simulator.coin("NEWUSDT"),
    }


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_what_was_answered_is_there_after_any_end(state: dict[str, Any], end: signal.Signals) -> None:
    async with running_simulator(**state) as first, trading(first) as trader:
        await first.list_coin("NEWUSDT", price="2", swing=0)
        await trader.buy("NEWUSDT", newClientOrderId="one")
        before = await seen(first, trader)
        last = await trader.buy("NEWUSDT", newClientOrderId="two")
        first.process.send_signal(end)  # Right after the answer.
        await first.process.wait()

    async with running_simulator(**state) as second, trading(second) as trader:
        after = await seen(second, trader)
        found = await trader.look_up("NEWUSDT", origClientOrderId="two")

    assert found.json()["orderId"] == last.json()["orderId"]
    assert [each["clientOrderId"] for each in after["orders"]] == ["two", "one"]
    assert after["orders"][1:] == before["orders"]
    assert after["balances"]["USDT"] < before["balances"]["USDT"]
    assert after["symbols"] == before["symbols"]
    assert after["coin"] == before["coin"]


async def test_an_order_whose_answer_was_lost_is_there_all_the_same(state: dict[str, Any]) -> None:
    async with running_simulator(**state) as first, trading(first) as trader:
        await first.arm("hang_after_accept", endpoint="POST /api/v3/order")
        asking = asyncio.create_task(trader.buy("ETHUSDT", newClientOrderId="lost"))

        async def accepted() -> bool:
            return any(each["accepted"] for each in await first.orders())

        await eventually(accepted)
        await first.process_killed()
        await asyncio.wait([asking])
        assert asking.exception() is not None

    async with running_simulator(**state) as second, trading(second) as trader:
        assert (await trader.look_up("ETHUSDT", origClientOrderId="lost")).json()["status"] == "FILLED"


async def test_the_course_of_a_coin_goes_on_while_nobody_runs_it(state: dict[str, Any]) -> None:
    async with running_simulator(scenario_speed=100, **state) as first:
        listed = await first.list_coin("NEWUSDT", scenario="crash_at_once", price="2")
        await first.process_killed()
    crashed_at_ms = listed["opens_at_ms"] + 200  # The crash ends 19 s after the opening, a hundred times as fast.
    await eventually(lambda: time.time() * 1000 > crashed_at_ms)

    async with running_simulator(**state) as second:
        coin = await second.coin("NEWUSDT")

    assert (coin["scenario"], coin["opens_at_ms"]) == ("crash_at_once", listed["opens_at_ms"])
    assert Decimal(coin["last_price"]) < Decimal("1.3")


async def test_a_second_one_on_the_same_file_is_refused_in_one_sentence(state: dict[str, Any]) -> None:
    async with running_simulator(**state):
        with pytest.raises(RuntimeError, match="did not start"):
            async with running_simulator(**state):
                pytest.fail("two simulators on one file")


async def test_a_spoilt_file_is_named_and_kept(state: dict[str, Any], tmp_path: Path) -> None:
    state["state_file"].write_bytes(b"spoilt" * 1_000)
    complaints = tmp_path / "complaints"
    with complaints.open("wb") as errors:
        async with running_simulator(errors=errors.fileno(), **state) as simulator, trading(simulator) as trader:
            assert await info_of(trader, "ETHUSDT") is not None

    [line] = complaints.read_text().splitlines()
    kept = set_aside_in(tmp_path)
    assert line == (
        f"{state['state_file']}: is broken (file is not a database); "
        f"it is kept as {kept}, and the exchange starts afresh"
    )
    assert kept.read_bytes() == b"spoilt" * 1_000
