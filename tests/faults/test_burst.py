"""Hundreds of listings at once, live, through a real broker, database and exchange: within limits at every instant."""

import asyncio
import os
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from executor.supervision.exposure_metrics import read_exposure
from shared.bus import rabbitmq
from shared.bus.port import Bus
from shared.events import Listing, Mode
from shared.postgres.database import Database
from shared.settings import BrokerSettings
from shared.wire import topology
from tests.support.running.compositions import CHOSEN, Composition
from tests.support.running.executors import configure, rows
from tests.support.running.processes import Sniper, sniper
from tests.support.running.services import open_database
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.support.running.starting import executed
from tests.support.running.trading import a_fresh_listing
from tests.waiting import eventually

# SNIPER_TEST_BURST=1000 takes half a minute more.
LISTINGS: Final = int(os.environ.get("SNIPER_TEST_BURST", "300"))
POSITION: Final = Decimal("3.33") * LISTINGS
"""Room for a third of them, at ten dollars each."""
AT_ONCE: Final = 50
PATIENCE_SECONDS: Final = 60 + LISTINGS / 5
BOUGHT_AHEAD: Final = re.compile(r'^sniper_express_sightings_total\{outcome="bought",reason=""\} [1-9]', re.MULTILINE)
GROWTH_MAX: Final = 8 * 2**20
SETTINGS: Final = {
    "SNIPER_LIVE": "true",
    "SNIPER_MEXC_API_KEY": SimulatorProcess.api_key,
    "SNIPER_MEXC_API_SECRET": SimulatorProcess.api_secret,
    # Market orders spend all that was reserved for them, so that the ledger comes to within a cent of the limit.
    "SNIPER_EXECUTOR_ENTRY": "market",
    "SNIPER_EXECUTOR_LISTINGS_PER_MINUTE_MAX": "100000",
    "SNIPER_EXECUTOR_LISTING_AGE_SECONDS": "600",
    "SNIPER_EXECUTOR_ORDERS_PER_MINUTE": "10000",
    "SNIPER_EXECUTOR_ORDERS_PER_DAY": "10000",
    "SNIPER_EXECUTOR_ORDERS_PER_SECOND": "100",
    "SNIPER_EXECUTOR_DAILY_SPEND_USDT": "100000",
    "SNIPER_EXECUTOR_WEIGHT_PER_10_SECONDS": "100000",
    "SNIPER_EXECUTOR_REQUESTS_PER_SECOND": "10000",
    "SNIPER_EXECUTOR_KEY_WEIGHT_PER_10_SECONDS": "100000",
    "SNIPER_EXECUTOR_KEY_REQUESTS_PER_SECOND": "10000",
}

pytestmark = pytest.mark.timeout(3 * PATIENCE_SECONDS)


async def test_a_burst_of_listings_is_bought_within_limits_at_every_instant(
    database_url: str, broker_url: str, tmp_path: Path
) -> None:
    broker = BrokerSettings.model_validate({"url": broker_url})
    environment = SETTINGS | {"SNIPER_DATABASE_URL": database_url, "SNIPER_BROKER_URL": broker_url}
    async with (
        running_simulator() as simulator,
        open_database(database_url) as database,
        rabbitmq.connect(broker, topology.SNIPER, name="test") as bus,
    ):
        await simulator.fund(USDT="1000000")
        await configure(database, f"auto_trade = true, max_trade_usdt = 10, max_position_usdt = {POSITION}")
        symbols = [f"NEW{number}USDT" for number in range(LISTINGS)]
        if CHOSEN is Composition.NORMAL:
            await list_all(simulator, symbols)
        exchange = {"SNIPER_MEXC_REST_URL": simulator.rest_url, "SNIPER_MEXC_WS_URL": simulator.ws_url}
        async with sniper(
            "run", CHOSEN.command, environment=environment | exchange, directory=tmp_path, start=executed
        ) as executor:
            await executor.ready()
            if CHOSEN is Composition.EXPRESS:
                await list_all(simulator, symbols)
                await eventually(lambda: has_bought_ahead(executor), within_seconds=PATIENCE_SECONDS)
            listings = [a_fresh_listing(symbol, price=Decimal(1)) for symbol in symbols]
            await publish(bus, [*listings, *listings[::10]])
            grown = await memory_grown_in_the_second_half(database, executor)
            await eventually(lambda: none_at_large(database), within_seconds=PATIENCE_SECONDS, every_seconds=0.1)

        await check_money(simulator, database)
        assert grown < GROWTH_MAX


async def has_bought_ahead(executor: Sniper) -> bool:
    return bool(BOUGHT_AHEAD.search((await executor.get("/metrics")).text))


async def list_all(simulator: SimulatorProcess, symbols: Sequence[str]) -> None:
    for symbol in symbols:
        await simulator.list_coin(symbol, price="1.00", swing="0")


async def publish(bus: Bus, listings: Sequence[Listing]) -> None:
    """As fast as the broker confirms them, which is faster than they are decided on."""
    await eventually(bus.is_connected)
    for start in range(0, len(listings), AT_ONCE):
        async with asyncio.TaskGroup() as tasks:
            for listing in listings[start : start + AT_ONCE]:
                tasks.create_task(bus.publish(topology.to_message(listing)))


async def memory_grown_in_the_second_half(database: Database, executor: Sniper) -> int:
    """Return by how much the process grew, in bytes, from half of the decisions to all."""

    async def decided(count: int) -> bool:
        async with database.connection() as connection:
            return bool(await connection.fetchval("SELECT count(*) FROM orders") >= count)

    await eventually(lambda: decided(LISTINGS // 2), within_seconds=PATIENCE_SECONDS, every_seconds=0.1)
    before = resident(executor)
    await eventually(lambda: decided(LISTINGS), within_seconds=PATIENCE_SECONDS, every_seconds=0.1)
    return resident(executor) - before


def resident(executor: Sniper) -> int:
    return int(Path(f"/proc/{executor.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def none_at_large(database: Database) -> bool:
    stake = await read_exposure(database, Mode.LIVE)
    return not any(stake.open_orders.values())


async def check_money(simulator: SimulatorProcess, database: Database) -> None:
    spending, journal, orders = await simulator.spending(), await rows(database), await simulator.orders()
    stake = await read_exposure(database, Mode.LIVE)
    accepted = [order["symbol"] for order in orders if order["accepted"]]
    refusals = {order["answer"] for order in orders if not order["accepted"]}
    highest = Decimal(spending["exposure_max"])
    assert POSITION - 10 < highest <= POSITION
    assert len(accepted) == len(set(accepted)) == LISTINGS * 333 // 1000
    # On a slow machine a request may wait longer than its signature is good for. That one is certainly no order.
    assert all("700003" in str(answer) for answer in refusals)
    assert {(row["state"], (row["error_reason"] or "").partition(":")[0]) for row in journal} == {
        ("filled", ""),
        ("rejected", "max_position"),
    }
    assert sorted(row["symbol"] for row in journal if row["state"] == "filled") == sorted(accepted)
    assert len(journal) == LISTINGS
    assert (stake.reserved_usdt, stake.held_usdt >= highest) == (Decimal(0), True)
