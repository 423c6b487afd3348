"""An executor of another version takes over while coins are listed: each is bought once, live, whoever was there."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.faults.ground import QUICK, Ground
from tests.support.deployment.newer_build import start_of
from tests.support.running.policies import configure_exits
from tests.support.running.processes import Sniper, sniper
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

ENOUGH: Final = 20
"""Coins that are listed before something changes, and after."""
PACE_SECONDS: Final = 0.05


@asynccontextmanager
async def listing(ground: Ground, symbols: list[str]) -> AsyncIterator[None]:
    """List coins and announce them for the time of the block; their names go into *symbols*."""
    enough = asyncio.Event()

    async def go_on() -> None:
        while not enough.is_set():
            listed = await ground.lists()
            await ground.publish(listed)
            symbols.append(listed.symbol)
            await asyncio.sleep(PACE_SECONDS)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(go_on())
        yield
        enough.set()


async def more(symbols: list[str]) -> None:
    """Return once that many more are listed."""
    before = len(symbols)
    await eventually(lambda: len(symbols) >= before + ENOUGH, within_seconds=60)


def an_executor(ground: Ground, build: Path) -> AbstractAsyncContextManager[Sniper]:
    told = ground.orders
    # One that starts beside another takes nothing before it could buy, however slow the machine is.
    chosen = {**QUICK, "reconcile_hold_seconds": 60}
    settings = {f"SNIPER_EXECUTOR_{name.upper()}": str(value) for name, value in chosen.items()}
    environment = {
        **settings,
        "SNIPER_DATABASE_URL": told.database_url,
        "SNIPER_BROKER_URL": told.broker_url,
        "SNIPER_MEXC_REST_URL": told.rest_url,
        "SNIPER_MEXC_API_KEY": ground.simulator.api_key,
        "SNIPER_MEXC_API_SECRET": ground.simulator.api_secret,
        "SNIPER_LIVE": "true",
    }
    return sniper("run", "executor", environment=environment, directory=build, start=start_of(build))


@pytest.mark.parametrize("newer_comes", [True, False])
@pytest.mark.parametrize("together", [False, True], ids=["one after the other", "two at once"])
async def test_every_coin_is_bought_once_while_one_executor_takes_over_from_another(
    ground: Ground, newer: Path, tmp_path: Path, together: bool, newer_comes: bool
) -> None:
    await configure_exits(ground.runtime.database)
    symbols: list[str] = []
    before, after = (tmp_path, newer) if newer_comes else (newer, tmp_path)
    async with AsyncExitStack() as running:
        old = await running.enter_async_context(an_executor(ground, before))
        await old.ready()
        async with listing(ground, symbols):
            await more(symbols)
            if together:
                new = await running.enter_async_context(an_executor(ground, after))
                await new.ready()
                await more(symbols)
                codes = [await old.stop(within_seconds=30)]
            else:
                codes = [await old.stop(within_seconds=30)]
                # As of a StatefulSet: nobody is there, and the coins that are listed meanwhile wait in the queue.
                new = await running.enter_async_context(an_executor(ground, after))
                await new.ready()
            await more(symbols)
        await eventually(lambda: all_bought(ground, symbols), within_seconds=60)
        await ground.settled()
        codes.append(await new.stop(within_seconds=30))

    assert codes == [0, 0]
    placed = Counter(
        each["symbol"] for each in await ground.simulator.orders() if each["accepted"] and not each["test"]
    )
    assert {symbol: placed[symbol] for symbol in symbols} == dict.fromkeys(symbols, 1)


async def all_bought(ground: Ground, symbols: list[str]) -> bool:
    """Tell whether there is one order for each, filled."""
    query = "SELECT symbol, state FROM orders WHERE side = 'BUY' AND symbol = ANY($1)"
    found = await ground.rows(query, symbols)
    states = Counter(row["state"] for row in found)
    assert states == {"filled": len(symbols)}, states
    return sorted(row["symbol"] for row in found) == sorted(symbols)
