"""Connections when the server does not answer, or answers that we may not come in."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest
from sqlalchemy import text

from shared.errors import SchemaError, SettingsError, TransientError
from shared.postgres import database
from shared.postgres.database import Database
from tests.servers.postgres import PrivatePostgres
from tests.support.running.services import open_database

PrivateServer = Callable[[], PrivatePostgres]
ENOUGH_SECONDS = 2.5
"""Below the five seconds after which the driver itself gives up."""


async def ask(opened: Database) -> None:
    async with opened.connection() as connection:
        await connection.execute("SELECT 1")


async def ask_in_a_transaction(opened: Database) -> None:
    async with opened.transaction() as connection:
        await connection.execute("SELECT 1")


@pytest.mark.parametrize("asking", [ask, ask_in_a_transaction])
async def test_whoever_stops_waiting_for_a_frozen_server_is_let_go_at_once(
    private_postgres: PrivateServer, asking: Callable[[Database], Coroutine[None, None, None]]
) -> None:
    server = private_postgres()
    async with open_database(server.create_migrated_database()) as opened:
        await asking(opened)
        server.freeze()
        task = asyncio.create_task(asking(opened))
        await asyncio.sleep(0.1)

        task.cancel()
        async with asyncio.timeout(ENOUGH_SECONDS):
            await asyncio.wait([task])

        assert task.cancelled()


async def test_a_frozen_server_is_noticed_in_the_time_set_for_it(private_postgres: PrivateServer) -> None:
    server = private_postgres()
    async with open_database(server.create_migrated_database()) as opened:
        assert await opened.answers()
        server.freeze()

        async with asyncio.timeout(database.ANSWER_SECONDS_MAX + ENOUGH_SECONDS):
            assert not await opened.answers()

        server.thaw()
        assert await opened.answers()


async def reserve(opened: Database, then: Callable[[], Coroutine[None, None, None]]) -> None:
    async with opened.transaction() as connection:
        await connection.execute("UPDATE exposure SET reserved_usdt = 7, ceiling_usdt = 7")
        await then()


async def reserved(opened: Database) -> int:
    async with opened.connection() as connection:
        return int(await connection.fetchval("SELECT max(reserved_usdt) FROM exposure"))


async def test_what_was_open_when_the_caller_gave_up_is_rolled_back(database_url: str) -> None:
    async def wait() -> None:
        async with asyncio.timeout(0.05):
            await asyncio.Event().wait()

    async with open_database(database_url) as opened:
        with pytest.raises(TransientError):
            await reserve(opened, wait)

        assert await reserved(opened) == 0


async def test_an_error_inside_a_transaction_rolls_it_back(database_url: str) -> None:
    async def fail() -> None:
        raise KeyError("bug")

    async with open_database(database_url) as opened:
        with pytest.raises(KeyError):
            await reserve(opened, fail)

        assert await reserved(opened) == 0


async def test_a_database_that_does_not_exist_is_not_waited_for(database_url: str) -> None:
    with pytest.raises(SettingsError, match=r'^the database refuses: database "no_.*" does not exist: create it '):
        async with open_database(database_url.replace("/sniper_test_", "/no_", 1)):
            pass


async def test_both_ways_in_read_the_options_of_a_url(database_url: str) -> None:
    separator = "&" if "?" in database_url else "?"
    async with open_database(f"{database_url}{separator}sslmode=prefer") as opened:
        await ask(opened)
        async with opened.engine.connect() as connection:
            assert await connection.scalar(text("SHOW application_name")) == "sniper-test"


async def test_a_right_that_was_taken_away_and_a_table_that_is_gone_may_come_back(database_url: str) -> None:
    async with open_database(database_url) as opened:
        await ask(opened)

        with pytest.raises(SchemaError, match='the schema is not that of this build: relation "gone" does not exist'):
            async with opened.connection() as connection:
                await connection.execute("SELECT * FROM gone")
        with pytest.raises(TransientError, match="permission denied for table pg_authid: sign in as the role"):
            async with opened.transaction() as connection:
                await connection.execute("SET LOCAL ROLE pg_monitor; SELECT * FROM pg_authid")

        await ask(opened)


async def test_a_row_that_another_session_holds_is_no_outage(database_url: str) -> None:
    async with (
        open_database(database_url) as waiter,
        open_database(database_url) as holder,
        holder.transaction() as holding,
    ):
        await holding.execute("LOCK TABLE exposure IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(TransientError, match=r"^database busy: another session holds a lock: "):
            await reserved(waiter)


async def test_parameters_that_are_ours_hold_in_both_ways_in(database_url: str) -> None:
    separator = "&" if "?" in database_url else "?"
    async with open_database(f"{database_url}{separator}connect_timeout=7&application_name=mine") as opened:
        async with opened.connection() as connection:
            assert await connection.fetchval("SHOW application_name") == "mine"
        async with opened.engine.connect() as reading:
            assert await reading.scalar(text("SHOW application_name")) == "mine"
