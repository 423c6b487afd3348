"""A database that takes no writes any more: a standby, or a server that was made read-only while its disk is full."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from shared.errors import TransientError
from shared.postgres import database
from shared.postgres.database import Database
from shared.settings import DatabaseSettings
from tests.support.running.desks import desk
from tests.support.running.services import open_database
from tests.support.running.simulators import simulator_in_this_process
from tests.waiting import eventually

WRITE = "UPDATE exposure SET failures = failures + 1"
LENT_SECONDS = 0.5
ALL_READ_ONLY = "SET default_transaction_read_only = on"


async def make_read_only(opened: Database) -> None:
    """Let every connection take no writes that the pool may lend; a running service keeps some for itself."""
    async with AsyncExitStack() as stack:
        with suppress(TimeoutError):
            for _ in range(opened.pool.get_max_size()):
                async with asyncio.timeout(LENT_SECONDS):
                    connection = await stack.enter_async_context(opened.connection())
                await connection.execute(ALL_READ_ONLY)


async def write(opened: Database) -> None:
    async with opened.connection() as connection:
        await connection.execute(WRITE)


async def write_in_a_transaction(opened: Database) -> None:
    async with opened.transaction() as connection:
        await connection.execute(WRITE)


@pytest.mark.parametrize("writing", [write, write_in_a_transaction])
async def test_a_write_succeeds_at_the_second_try_once_the_server_takes_writes_again(
    database_url: str, writing: Callable[[Database], Coroutine[None, None, None]]
) -> None:
    async with open_database(database_url) as opened:
        await make_read_only(opened)
        with pytest.raises(TransientError, match="read-only"):
            await writing(opened)

        await writing(opened)


async def test_a_stop_that_is_due_is_sold_although_every_connection_was_read_only(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        simulator_in_this_process() as simulator,
        desk(database_url, simulator, tmp_path, stop_loss_pct=20) as at,
    ):
        await at.buy("HELDUSDT")
        await make_read_only(at.database)
        began = asyncio.get_running_loop().time()
        await at.move("HELDUSDT", "0.5")
        await eventually(lambda: at.sent_sales("HELDUSDT"), within_seconds=20)
        took = asyncio.get_running_loop().time() - began

        await at.position_in("HELDUSDT", "closed")
        assert took < 5


async def test_a_service_takes_no_server_that_takes_no_writes_and_says_so(database_url: str) -> None:
    url = database.parse_url(database_url, variable="the test")
    settings = DatabaseSettings.model_validate({"url": database_url})
    async with open_database(database_url) as opened, opened.connection() as connection:
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')

    with pytest.raises(TransientError, match="takes no writes"):
        async with database.connect(settings, url, name="test", writes=True):
            pass
    async with database.connect(settings, url, name="test") as reading:
        assert await reading.answers()
    sign = "&" if "?" in database_url else "?"
    anyone = database.parse_url(f"{database_url}{sign}target_session_attrs=any", variable="the test")
    async with database.connect(settings, anyone, name="test", writes=True):
        pass


async def test_a_database_that_takes_no_writes_does_not_answer_a_service_that_needs_to_write(database_url: str) -> None:
    url = database.parse_url(database_url, variable="the test")
    settings = DatabaseSettings.model_validate({"url": database_url})
    async with database.connect(settings, url, name="test", writes=True) as opened:
        await make_read_only(opened)
        answered = [await opened.answers(), await opened.answers()]

    assert answered == [False, True]
