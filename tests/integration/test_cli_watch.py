import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

import migrations
from cli.display.watch import follow
from shared.events import utc_now
from shared.postgres.database import Database
from tests.servers.postgres import PrivatePostgres
from tests.support.data import rows
from tests.support.running.services import open_database
from tests.waiting import eventually


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as database:
        yield database


@asynccontextmanager
async def watching(database: Database, *, since: timedelta = timedelta()) -> AsyncIterator[list[str]]:
    """What a watch has shown so far."""
    shown: list[str] = []
    stop = asyncio.Event()

    async def keep() -> None:
        async for row in follow(database, stop, since=since):
            shown.append(row.symbol)  # noqa: PERF401 - the test looks on meanwhile

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keep(), name="watch")
        try:
            yield shown
        finally:
            stop.set()


def listing(symbol: str, **more: Any) -> dict[str, Any]:
    return {"symbol": symbol, "listing_key": f"{symbol}:1", **more}


async def store(database: Database, table: str, **row: Any) -> None:
    async with database.engine.begin() as connection:
        await rows.store(connection, table, **row)


async def begun(database: Database, shown: list[str]) -> None:
    """Return once the watch shows what is new."""
    await store(database, "listings", **listing("FIRSTUSDT", created_at=utc_now() + timedelta(minutes=1)))
    await eventually(lambda: shown)
    shown.clear()


async def test_only_what_is_stored_from_now_on_is_shown(database: Database) -> None:
    await store(database, "listings", **listing("OLDUSDT"))

    async with watching(database) as shown:
        await begun(database, shown)
        await store(database, "listings", **listing("NEWUSDT"))
        await store(database, "trades", symbol="SOLDUSDT")
        await eventually(lambda: len(shown) >= 2)

    assert sorted(shown) == ["NEWUSDT", "SOLDUSDT"]


async def test_what_was_stored_lately_is_shown_in_the_order_of_time(database: Database) -> None:
    ago = {minutes: utc_now() - timedelta(minutes=minutes) for minutes in (1, 2, 3, 60)}
    for symbol, minutes in (("HOURUSDT", 60), ("ONEUSDT", 1), ("THREEUSDT", 3)):
        times = {"listed_at": ago[minutes], "created_at": ago[minutes]}
        await store(database, "listings", **listing(symbol, **times))
    await store(database, "trades", symbol="TWOUSDT", created_at=ago[2])

    async with watching(database, since=timedelta(minutes=10)) as shown:
        await eventually(lambda: len(shown) >= 3)

    assert shown == ["THREEUSDT", "TWOUSDT", "ONEUSDT"]


async def store_trade(database: Database, symbol: str, **row: Any) -> None:
    await store(database, "trades", symbol=symbol, event_id=symbol, client_order_id=symbol, **row)


async def end(database: Database, symbol: str) -> None:
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE trades SET status = 'filled', created_at = clock_timestamp() WHERE symbol = $1", symbol
        )


@pytest.mark.parametrize("since", [timedelta(), timedelta(hours=1)], ids=["from now on", "of the last hour"])
async def test_a_pending_trade_is_shown_once_more_when_it_ends(database: Database, since: timedelta) -> None:
    await store_trade(database, "OLDUSDT", status="pending", created_at=utc_now() - timedelta(hours=3))

    async with watching(database, since=since) as shown:
        await begun(database, shown)
        await store_trade(database, "NEWUSDT", status="pending")
        await eventually(lambda: shown == ["NEWUSDT"])
        await end(database, "NEWUSDT")
        await eventually(lambda: shown == ["NEWUSDT", "NEWUSDT"])
        await end(database, "OLDUSDT")
        await eventually(lambda: len(shown) >= 3)
        await store(database, "listings", **listing("LASTUSDT"))
        await eventually(lambda: "LASTUSDT" in shown)

    assert shown == ["NEWUSDT", "NEWUSDT", "OLDUSDT", "LASTUSDT"]


async def test_a_trade_that_ended_lately_is_shown_although_its_row_is_older_than_others(database: Database) -> None:
    await store_trade(database, "ENDEDUSDT", status="pending", created_at=utc_now() - timedelta(hours=3))
    await store_trade(database, "OLDUSDT", created_at=utc_now() - timedelta(hours=2))
    await end(database, "ENDEDUSDT")

    async with watching(database, since=timedelta(hours=1)) as shown:
        await eventually(lambda: shown)
        await store(database, "listings", **listing("LASTUSDT"))
        await eventually(lambda: "LASTUSDT" in shown)

    assert shown == ["ENDEDUSDT", "LASTUSDT"]


async def test_a_row_committed_after_its_successor_is_not_missed(database: Database) -> None:
    async with watching(database) as shown:
        await begun(database, shown)
        async with database.engine.begin() as slow:
            await rows.store(slow, "listings", **listing("SLOWUSDT"))
            await store(database, "listings", **listing("FASTUSDT"))
            await eventually(lambda: shown == ["FASTUSDT"])
        await eventually(lambda: len(shown) >= 2)

    assert shown == ["FASTUSDT", "SLOWUSDT"]


async def test_more_rows_than_one_look_takes_are_each_shown_once(database: Database) -> None:
    async with watching(database) as shown:
        await begun(database, shown)
        async with database.transaction() as connection:
            await connection.execute("""
                INSERT INTO listings (symbol, listed_at, source)
                SELECT 'COIN' || n, now(), 'mexc_rest_api' FROM generate_series(1, 1200) AS n
            """)
        await eventually(lambda: len(shown) >= 1200)
        await store(database, "listings", **listing("LASTUSDT"))
        await eventually(lambda: "LASTUSDT" in shown)

    assert len(shown) == len(set(shown)) == 1201


async def test_a_database_that_went_away_is_waited_for(private_postgres: Callable[[], PrivatePostgres]) -> None:
    server = private_postgres()
    await asyncio.to_thread(migrations.upgrade, server.url)
    async with open_database(server.url) as database, watching(database) as shown:
        await begun(database, shown)
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        await eventually(database.answers)
        await store(database, "listings", **listing("NEWUSDT"))
        await eventually(lambda: shown)

    assert shown == ["NEWUSDT"]
