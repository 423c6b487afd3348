"""Thirty thousand symbols, ten times what MEXC has, do not block the event loop."""

import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from shared.mexc.symbol_payloads import ExchangeInfo, symbol_info
from shared.postgres.database import Database
from tests.support.running.ingests import ingesting
from tests.support.running.services import open_database
from tests.support.running.simulators import SimulatorProcess, plain_http, running_simulator
from tests.tools.turns import watching_turns
from tests.waiting import eventually

SYMBOLS = 30_000
TURNS_MIN = 10
"""What it takes to read an exchangeInfo in one go is so many times the longest turn at least: a quarter of a second on
an idle machine, where turns take less than ten milliseconds. A busy one makes both longer, even in processor time."""
ATTEMPTS = 3


@pytest.fixture
async def simulator() -> AsyncIterator[SimulatorProcess]:
    # After the first, frames hold only what has changed: this is about what REST answers.
    async with running_simulator(symbols=SYMBOLS, ticker_interval_seconds=2, ticker_full_every=1_000) as running:
        yield running


@pytest.mark.timeout(180)
async def test_first_start_and_restart_among_thirty_thousand_symbols_never_hold_the_loop_for_long(
    database_url: str, simulator: SimulatorProcess
) -> None:
    body, shares = await _exchange_info(simulator), list[float]()
    async with open_database(database_url) as database:
        while len(shares) < ATTEMPTS and min(shares, default=1) > 1 / TURNS_MIN:
            await _forget(database)
            async with watching_turns() as turns:
                await _first_start(database, simulator)
                await _restart(database, simulator, f"FRESH{len(shares)}USDT")
            shares.append(turns.longest_seconds / _seconds_in_one_go(body))

    assert min(shares) <= 1 / TURNS_MIN


async def _exchange_info(simulator: SimulatorProcess) -> bytes:
    async with plain_http(simulator.rest_url) as http:
        return (await http.get("/api/v3/exchangeInfo")).content


def _seconds_in_one_go(body: bytes) -> float:
    started = time.thread_time()
    read = [symbol_info(entry) for entry in msgspec.json.decode(body, type=ExchangeInfo).symbols]
    took = time.thread_time() - started
    assert len(read) >= SYMBOLS
    return took


async def _first_start(database: Database, simulator: SimulatorProcess) -> None:
    async with ingesting(database, simulator) as outbox:
        await eventually(lambda: _are_all_stored(database), within_seconds=30)
    assert outbox.sightings == []


async def _restart(database: Database, simulator: SimulatorProcess, symbol: str) -> None:
    async with ingesting(database, simulator) as outbox:
        await simulator.list_coin(symbol)
        await eventually(lambda: outbox.is_seen_by_both(symbol), within_seconds=30)
    assert {sighting.symbol for sighting in outbox.sightings} == {symbol}


async def _are_all_stored(database: Database) -> bool:
    async with database.connection() as connection:
        return bool(await connection.fetchval("SELECT count(*) >= $1 FROM symbols", SYMBOLS))


async def _forget(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("TRUNCATE symbols")
