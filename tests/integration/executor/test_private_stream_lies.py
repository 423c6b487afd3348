"""A private stream that lies, repeats itself, loses pushes or mixes them up: the books are those of the exchange."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.agreement import coins_are_those_of_the_ledger, one_order_of_each_listing
from tests.support.running.desks import ONE_DOLLAR, Desk, desk, fresh
from tests.support.running.simulators import Simulator
from tests.waiting import eventually

FAULTS = ["ws_private_silence", "ws_private_gap", "ws_private_duplicate", "ws_private_reorder", "ws_private_lie"]
UNSETTLED = "SELECT 1 FROM orders WHERE state IN ('sending', 'acknowledged', 'unknown')"
COINS = ("AAAUSDT", "BBBUSDT", "CCCUSDT", "DDDUSDT")


async def followed(simulator: Simulator) -> None:
    await eventually(simulator.watches_account)


async def books_agree(opened: Desk) -> None:
    """Assert that every order got in the books what it got at the exchange, to the last digit."""
    entries = await opened.simulator.orders()
    one_order_of_each_listing(entries)
    coins_are_those_of_the_ledger(entries, await opened.rows("SELECT * FROM positions"))
    got = {each["client_order_id"]: sums(each["fills"]) for each in entries if each["fills"]}
    booked = await opened.rows("SELECT * FROM orders WHERE executed_qty > 0")
    assert {each["client_order_id"]: (each["executed_qty"], each["cost"]) for each in booked} == got
    open_cost = [each["cost_usdt"] for each in await opened.rows("SELECT * FROM positions") if each["base_qty"]]
    assert await opened.exposure() == (Decimal(0), sum(open_cost, Decimal(0)))


def sums(fills: list[Mapping[str, Any]]) -> tuple[Decimal, Decimal]:
    return (
        sum((Decimal(each["qty"]) for each in fills), Decimal(0)),
        sum((Decimal(each["quoteQty"]) for each in fills), Decimal(0)),
    )


@pytest.mark.parametrize("fault", FAULTS)
async def test_purchases_and_sales_come_to_what_they_are_at_the_exchange(
    database_url: str, simulator: Simulator, tmp_path: Path, fault: str
) -> None:
    async with desk(database_url, simulator, tmp_path, take_profit_pct="10") as opened:
        await followed(simulator)
        await simulator.arm(fault, count=None)
        # One whose answer is lost, one that gets a part, one that gets nothing, and one like any other.
        await simulator.arm("drop_connection", symbol=COINS[0], accept=True)
        await simulator.arm("order_ends", symbol=COINS[1], fraction=0.5)
        await simulator.arm("order_ends", symbol=COINS[2], fraction=0, count=None)
        for coin in COINS:
            await simulator.list_coin(coin, **ONE_DOLLAR)
            await opened.tell(fresh(coin))
        for coin in (COINS[0], COINS[1], COINS[3]):
            await opened.position_in(coin, "open")
        await simulator.arm("hang_after_accept", symbol=COINS[0], side="SELL")
        await opened.move(COINS[0], "1.2")
        await opened.position_in(COINS[0], "closed")

        async def is_settled() -> bool:
            return not await opened.rows(UNSETTLED)

        await eventually(is_settled, within_seconds=30)
        await books_agree(opened)


async def test_an_order_that_appears_late_is_settled_by_its_push(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, protection_seconds=30) as opened:
        await followed(simulator)
        await simulator.arm("order_late", seconds=5)
        await simulator.arm("drop_connection", accept=True)

        await opened.buy("AAAUSDT")

        hints = opened.runtime.telemetry.registry.get_sample_value(
            "sniper_executor_private_stream_hints_total", {"kind": "order"}
        )
        assert hints
        await books_agree(opened)


async def test_without_the_stream_everything_happens_all_the_same(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, private_stream=False) as opened:
        await opened.buy("AAAUSDT")

        assert not await simulator.watches_account()
        assert "POST /api/v3/userDataStream" not in await simulator.requests()
        await books_agree(opened)


async def test_a_dry_run_follows_no_stream(database_url: str, simulator: Simulator, tmp_path: Path) -> None:
    async with desk(database_url, simulator, tmp_path, live=False) as opened:
        await simulator.list_coin("AAAUSDT", **ONE_DOLLAR)
        await opened.tell(fresh("AAAUSDT"))
        await opened.position_in("AAAUSDT", "open")

        assert "POST /api/v3/userDataStream" not in await simulator.requests()


async def test_coins_that_come_from_nowhere_halt_purchases_soon_after_their_push(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(
        database_url, simulator, tmp_path, holdings_check_seconds=3_600, holdings_confirm_seconds=0.1
    ) as opened:
        await followed(simulator)
        await simulator.fund(ABC="7")

        async def has_halted() -> list[Mapping[str, Any]]:
            return await opened.rows("SELECT * FROM halts WHERE cause = 'holdings'")

        await eventually(has_halted, within_seconds=40)
