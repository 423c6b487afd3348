"""A database is that of one exchange."""

import asyncio
import os
import sys
import uuid
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import cast

import asyncpg
import pytest

import migrations
from shared.control.exchange_identity import rename_exchange, require_exchange
from shared.errors import SettingsError, TransientError
from shared.postgres.database import Connection, Database
from tests.servers.ports import free_ports
from tests.support.data import rows
from tests.support.running.services import open_database

MEXC = "https://api.mexc.com"
HELD = """
    INSERT INTO positions (listing_key, mode, symbol, base_asset, quote_asset, state, listing, base_qty, cost_usdt,
                           average_price, peak_price, opened_at)
    VALUES ('ABCUSDT:1', '{mode}', 'ABCUSDT', 'ABC', 'USDT', 'open', '{{}}', 1, 100, 100, 100, now())
"""
SIMULATOR = "http://127.0.0.1:41234"


class OneConnection:
    """Lends one connection, as a database does."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        return nullcontext(self._connection)


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


def of_an_earlier_build(url: str, *statements: str) -> None:
    """Take the database back to before exchanges were told apart, execute *statements*, and upgrade it."""

    async def execute() -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    migrations.downgrade(url, "044")
    asyncio.run(execute())
    migrations.upgrade(url)


@pytest.mark.parametrize("mode", ["live", "dry-run"])
def test_what_was_held_live_before_an_upgrade_is_not_taken_for_a_simulators(database_url: str, mode: str) -> None:
    of_an_earlier_build(database_url, HELD.format(mode=mode))

    async def claims() -> None:
        async with open_database(database_url) as database:
            if mode == "live":
                with pytest.raises(
                    SettingsError, match=r"live orders or positions .* `sniper migrate --exchange HOST`"
                ):
                    await require_exchange(database, SIMULATOR)
                await require_exchange(database, MEXC)
            else:
                await require_exchange(database, SIMULATOR)

    asyncio.run(claims())


async def test_orders_alone_count_too_and_their_exchange_may_be_named(database: Database) -> None:
    async with database.engine.begin() as connection:
        await rows.store(connection, "orders", mode="live")

    with pytest.raises(SettingsError, match="of an exchange that it does not name"):
        await require_exchange(database, SIMULATOR)
    await rename_exchange(database, "localhost")
    await require_exchange(database, SIMULATOR)


async def test_service_that_may_not_see_orders_waits_for_one_that_may(database: Database) -> None:
    async with database.connection() as connection:
        role = f"blind_{uuid.uuid4().hex}"
        await connection.execute(f"CREATE ROLE {role}; GRANT SELECT, INSERT ON exchange TO {role}; SET ROLE {role}")
        try:
            blind = cast("Database", OneConnection(connection))
            with pytest.raises(TransientError, match="the executor is to say"):
                await require_exchange(blind, SIMULATOR)
            await require_exchange(blind, MEXC)
        finally:
            await connection.execute(f"RESET ROLE; REVOKE ALL ON exchange FROM {role}; DROP ROLE {role}")


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
