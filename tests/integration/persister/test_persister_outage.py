"""The persister while its database stops, freezes and comes back."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from persister.repository import insert_trades, upsert_health
from persister.service import serve
from persister.settings import PersisterSettings
from persister.silent_components import watch_for_silence
from shared.errors import TransientError
from shared.events import Trade
from shared.postgres.batch import Batcher, BatchLimits, batching
from shared.postgres.database import Database
from shared.wire.topology import DEAD_LETTERS, to_message
from tests.servers.postgres import PrivatePostgres
from tests.support.data.builders import NOON, a_health, a_trade
from tests.support.running.persisting import Writers, rows
from tests.support.running.services import emptying, open_database, rabbitmq_runtime, serving
from tests.waiting import eventually

ANSWER_SECONDS = 0.5


@pytest.fixture
def server(private_postgres: Callable[[], PrivatePostgres]) -> PrivatePostgres:
    return private_postgres()


@pytest.fixture
def database_url(server: PrivatePostgres) -> str:
    return server.create_migrated_database()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url, statement_timeout_seconds=ANSWER_SECONDS) as opened:
        yield opened


async def until_taken(batcher: Batcher[Trade], trade: Trade) -> None:
    """Hand *trade* in again and again, as the bus does."""

    async def is_taken() -> bool:
        await batcher.add(trade)
        return True

    await eventually(is_taken, within_seconds=20)


async def test_a_stopped_database_loses_nothing(server: PrivatePostgres, database: Database, writers: Writers) -> None:
    trades = [a_trade() for _ in range(50)]
    async with batching("trades", writers.to("trades", insert_trades), BatchLimits(10, 0.01)) as batcher:
        await batcher.add(trades[0])
        await asyncio.to_thread(server.stop)
        outcomes = await asyncio.gather(*(batcher.add(trade) for trade in trades), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {TransientError}

        await asyncio.to_thread(server.start)
        await asyncio.gather(*(until_taken(batcher, trade) for trade in trades))

    stored = await rows(database, "SELECT event_id FROM trades")
    assert sorted(row["event_id"] for row in stored) == sorted(trade.id for trade in trades)


async def test_a_frozen_database_is_given_up_in_time_and_used_again_once_it_thaws(
    server: PrivatePostgres, database: Database, writers: Writers
) -> None:
    trade, loop = a_trade(), asyncio.get_running_loop()
    async with batching("trades", writers.to("trades", insert_trades), BatchLimits(10, 0.01)) as batcher:
        await batcher.add(a_trade())
        server.freeze()
        asked = loop.time()
        with pytest.raises(TransientError):
            await batcher.add(trade)
        assert loop.time() - asked < 10 * ANSWER_SECONDS
        server.thaw()
        await until_taken(batcher, trade)

    assert len(await rows(database, "SELECT FROM trades")) == 2


async def test_the_watch_for_silence_outlives_an_outage(
    server: PrivatePostgres, database: Database, writers: Writers
) -> None:
    async def is_in_error() -> bool:
        [row] = await rows(database, "SELECT status FROM bot_health")
        return bool(row["status"] == "error")

    await writers.to("bot_health", upsert_health)([a_health(sent_at=NOON)])
    await asyncio.to_thread(server.stop)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch_for_silence(database, stop, every_seconds=0.01, grace_seconds=0))
        await asyncio.to_thread(server.start)
        await eventually(is_in_error, within_seconds=20)
        stop.set()


async def test_messages_wait_in_their_queue_until_the_database_is_back(
    server: PrivatePostgres, database: Database, database_url: str, broker_url: str
) -> None:
    async def are_stored(count: int) -> bool:
        return len(await rows(database, "SELECT FROM trades")) == count

    async with (
        rabbitmq_runtime(database_url, broker_url) as runtime,
        serving(runtime, lambda runtime: serve(runtime, PersisterSettings())),
        emptying(runtime.bus, DEAD_LETTERS) as dead,
    ):
        await runtime.bus.publish(to_message(a_trade()))
        await eventually(lambda: are_stored(1))
        await asyncio.to_thread(server.stop)
        for _ in range(300):
            await runtime.bus.publish(to_message(a_trade()))
        await asyncio.to_thread(server.start)
        await eventually(lambda: are_stored(301), within_seconds=30)

    assert dead.messages == []
