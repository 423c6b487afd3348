"""A first run that goes on: a quarter of an hour of newcomers in four minutes. Run by hand, collected by no other run:

.venv/bin/python -m pytest -n 0 -s tests/soak/first_run.py
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from shared.postgres.database import Database
from tests.servers.ports import free_ports
from tests.support.running.processes import sniper
from tests.support.running.services import open_database
from tests.support.running.starting import executed

SPEED: Final = 4
SIMULATED_MINUTES: Final = 16
EXITS: Final = {"holding_time", "stop_loss", "take_profit", "trailing_stop"}
EXHAUSTED: Final = frozenset({"max_position", "daily_spend", "orders_per_day", "orders_per_minute", "halted"})
AT_STAKE: Final = "SELECT coalesce(max(reserved_usdt + filled_usdt), 0) FROM exposure"
SALES: Final = "SELECT exit_reason FROM trades WHERE side = 'SELL' AND status = 'filled' AND created_at > now() - $1"
PURCHASES: Final = "SELECT id FROM trades WHERE side = 'BUY' AND status = 'filled' AND created_at > now() - $1"
REFUSALS: Final = "SELECT split_part(error_reason, ':', 1) FROM trades WHERE side = 'BUY' AND status = 'rejected'"


def environment(database_url: str) -> Mapping[str, str]:
    return {
        "SNIPER_API_PORT": str(free_ports(1)[0]),
        "SNIPER_DATABASE_URL": database_url,
        "SNIPER_SIMULATOR_SCENARIO_SPEED": str(SPEED),
        "SNIPER_SIMULATOR_SYMBOLS": "60",
        "SNIPER_SIMULATOR_TICKER_INTERVAL_SECONDS": "0.5",
        "SNIPER_EXECUTOR_SUSPENDED_CHECK_SECONDS": "2",
        "SNIPER_EXECUTOR_ORDERS_PER_MINUTE": "1000",
        "SNIPER_EXECUTOR_LISTINGS_PER_MINUTE_MAX": "1000",
    }


@pytest.mark.timeout(600)
async def test_a_first_run_goes_on_without_filling_its_limits(database_url: str, tmp_path: Path) -> None:
    seconds = SIMULATED_MINUTES * 60 // SPEED
    at_stake: list[float] = []
    async with (
        open_database(database_url) as database,
        sniper("up", environment=environment(database_url), directory=tmp_path, start=executed) as process,
    ):
        await process.ready()
        for _ in range(seconds):
            at_stake.append(float((await column(database, AT_STAKE))[0]))
            await asyncio.sleep(1)  # The time of a soak is what it is about.
        lately, ever = timedelta(seconds=seconds // 4), timedelta(days=1)
        sales, purchases = await column(database, SALES, lately), await column(database, PURCHASES, lately)
        refusals, everything = Counter(await column(database, REFUSALS)), Counter(await column(database, SALES, ever))
    print(  # noqa: T201 - the figures are what it is run for
        f"{SIMULATED_MINUTES} simulated minutes: sold {dict(everything)}, refused {dict(refusals)}, "
        f"at stake {max(at_stake):.2f} at most, {sum(at_stake) / len(at_stake):.2f} on average"
    )

    assert set(everything) >= EXITS
    assert not EXHAUSTED & set(refusals)
    assert max(at_stake) < 1_000
    assert purchases
    assert sales


async def column(database: Database, sql: str, *arguments: object) -> list[str]:
    async with database.connection() as connection:
        return [row[0] for row in await connection.fetch(sql, *arguments)]
