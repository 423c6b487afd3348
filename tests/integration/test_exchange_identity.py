"""A database is that of one exchange."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from shared.control.exchange_identity import rename_exchange, require_exchange
from shared.errors import SettingsError
from shared.postgres.database import Database
from tests.servers.ports import free_ports
from tests.support.running.services import open_database

MEXC = "https://api.mexc.com"
SIMULATOR = "http://127.0.0.1:41234"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


async def test_a_database_of_one_exchange_is_refused_on_another(database: Database) -> None:
    await require_exchange(database, SIMULATOR)
    await require_exchange(database, "http://localhost:5")

    with pytest.raises(SettingsError, match=r"positions of this machine, and this is api\.mexc\.com: take another"):
        await require_exchange(database, MEXC)


async def test_the_first_of_two_that_start_at_once_on_different_exchanges_has_the_database(database: Database) -> None:
    outcomes = await asyncio.gather(
        require_exchange(database, MEXC), require_exchange(database, SIMULATOR), return_exceptions=True
    )

    assert [type(each) for each in outcomes].count(SettingsError) == 1


async def test_the_same_exchange_under_another_name_is_told_once(database: Database) -> None:
    await require_exchange(database, MEXC)
    assert await rename_exchange(database, "api.mexc.co") == "api.mexc.co"

    await require_exchange(database, "https://api.mexc.co")


@pytest.mark.parametrize("host", ["", "https://", "a b", "x" * 256])
async def test_what_names_no_host_is_refused(database: Database, host: str) -> None:
    with pytest.raises(SettingsError, match="--exchange: names no host"):
        await rename_exchange(database, host)


async def told(directory: Path, *arguments: str, **variables: str) -> tuple[int | None, str]:
    """Run a command in *directory* with these settings; return its exit code and what it said of errors."""
    command = (sys.executable, "-m", "cli", *arguments)
    environment = os.environ | variables
    running = await asyncio.create_subprocess_exec(*command, env=environment, cwd=directory, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(50):
        _, errors = await running.communicate()
    return running.returncode, errors.decode()


async def test_what_a_simulator_traded_is_not_traded_on_by_another_exchange(database_url: str, tmp_path: Path) -> None:
    async with open_database(database_url) as database:
        await require_exchange(database, SIMULATOR)
        run = partial(
            told,
            tmp_path,
            SNIPER_DATABASE_URL=database_url,
            SNIPER_API_PORT=str(free_ports(1)[0]),
            SNIPER_METRICS_PORT="0",
            SNIPER_MEXC_REST_URL="https://exchange.invalid",
        )

        refused = await run("up", "--exchange", "mexc")
        renamed = await run("migrate", "--exchange", "https://exchange.invalid")

        assert (refused[0], refused[1].count("\n")) == (2, 1), refused[1]
        assert "and this is exchange.invalid: take another database" in refused[1]
        assert renamed == (0, "")
        await require_exchange(database, "https://exchange.invalid")
