import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import aio_pika
import asyncpg
import pytest
from aio_pika.abc import AbstractChannel
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

import migrations
from tests.servers import private_rabbitmq_server
from tests.servers.choice import ServerUnavailableError
from tests.servers.databases import PostgresServer
from tests.servers.postgres import PrivatePostgres
from tests.servers.rabbitmq import PrivateRabbitMQ, RabbitMQServer, named_rabbitmq_server
from tests.waiting import eventually

# A test process that does not get to its cleanup.
KILLED_RUN = """
import os, signal
from tests.servers import private_postgres_server

with private_postgres_server(durable=False) as server:
    print(server.pid, server.url.partition("host=")[2], flush=True)
    server.freeze()
    os.kill(os.getpid(), signal.SIGKILL)
"""


async def fetch(url: str, query: str) -> object:
    async with asyncio.timeout(5):
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()


async def queue_names(server: RabbitMQServer, vhost: str) -> list[str]:
    with server.management() as api:
        return [queue["name"] for queue in api.get(f"/api/queues/{vhost}").raise_for_status().json()]


async def test_a_database_is_at_the_newest_revision(database_url: str) -> None:
    assert await fetch(database_url, "SELECT version_num FROM alembic_version") == migrations.head()


async def test_a_database_is_seeded_as_a_first_deployment_is(database_url: str) -> None:
    assert await fetch(database_url, "SELECT count(*) FROM trade_config") == 1


async def test_an_empty_database_has_no_tables(empty_database_url: str) -> None:
    tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"

    assert await fetch(empty_database_url, tables) == 0


async def test_what_one_database_holds_is_not_in_the_next(postgres_server: PostgresServer, database_url: str) -> None:
    await fetch(database_url, "CREATE TABLE mine ()")

    another = postgres_server.create_migrated_database()

    assert await fetch(another, "SELECT to_regclass('mine') IS NULL")
    postgres_server.drop_database(another)


async def test_a_database_somebody_is_still_connected_to_can_be_dropped(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database()
    connection = await asyncpg.connect(url)

    postgres_server.drop_database(url)

    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(url)
    await eventually(connection.is_closed)


async def test_sqlalchemy_takes_the_url_with_its_own_driver_name(database_url: str) -> None:
    engine = create_async_engine(make_url(database_url).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        name = await connection.scalar(text("SELECT current_database()"))
    await engine.dispose()

    assert name == make_url(database_url).database


async def test_a_stopped_postgres_refuses_and_a_started_one_still_has_its_rows(
    private_postgres: Callable[[], PrivatePostgres],
) -> None:
    server = private_postgres()
    url = server.create_database()
    await fetch(url, "CREATE TABLE kept AS SELECT 7 AS number")

    server.stop()
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        await fetch(url, "SELECT 1")
    server.start()

    assert await fetch(url, "SELECT number FROM kept") == 7


async def test_a_frozen_postgres_is_silent_until_thawed(private_postgres: Callable[[], PrivatePostgres]) -> None:
    server = private_postgres()
    connection = await asyncpg.connect(server.url)

    server.freeze()
    answer = asyncio.create_task(connection.fetchval("SELECT 7"), name="asked while frozen")
    await asyncio.wait([answer], timeout=0.3)
    answered_while_frozen = answer.done()
    server.thaw()

    assert not answered_while_frozen
    assert await asyncio.wait_for(answer, 5) == 7
    await connection.close()


async def test_a_killed_run_leaves_no_postgres_and_no_data(pytestconfig: pytest.Config) -> None:
    command = [sys.executable, "-c", KILLED_RUN]
    run = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=pytestconfig.rootpath)
    output, _ = await asyncio.wait_for(run.communicate(), 20)
    pid, directory = output.decode().split()

    assert run.returncode == -signal.SIGKILL
    await eventually(lambda: not Path(directory).exists())
    await eventually(lambda: has_ended(int(pid)))


def has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # In a container without an init process nothing collects the exit status of an orphan.
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and ") Z " in status.read_text()


async def test_a_virtual_host_is_empty_and_nobody_elses(rabbitmq_server: RabbitMQServer, broker_url: str) -> None:
    async with await aio_pika.connect(broker_url) as connection:
        await (await connection.channel()).declare_queue("mine")

    another = rabbitmq_server.create_vhost()

    assert await queue_names(rabbitmq_server, make_url(broker_url).database or "") == ["mine"]
    assert await queue_names(rabbitmq_server, another) == []
    rabbitmq_server.delete_vhost(another)


async def test_quorum_queues_and_streams_may_be_declared(broker_url: str) -> None:
    async with await aio_pika.connect(broker_url) as connection:
        channel = await connection.channel()
        for kind in ("quorum", "stream"):
            await channel.declare_queue(kind, durable=True, arguments={"x-queue-type": kind})


def test_a_named_broker_without_its_management_api_fails_with_the_variable_to_set() -> None:
    env = {
        "SNIPER_TEST_BROKER_URL": "amqp://guest:hidden@127.0.0.1:1/",
        "SNIPER_TEST_BROKER_MANAGEMENT_URL": "http://127.0.0.1:1",
    }

    with pytest.raises(ServerUnavailableError) as failure:
        named_rabbitmq_server(env)

    assert "set SNIPER_TEST_BROKER_MANAGEMENT_URL" in str(failure.value)
    assert "hidden" not in str(failure.value)


def test_a_named_broker_is_used_through_its_management_api(rabbitmq_server: RabbitMQServer) -> None:
    env = {
        "SNIPER_TEST_BROKER_URL": rabbitmq_server.url_for("/"),
        "SNIPER_TEST_BROKER_MANAGEMENT_URL": rabbitmq_server.management_url,
    }

    named = named_rabbitmq_server(env)

    named.delete_vhost(named.create_vhost())


@pytest.fixture(scope="module")
def node() -> Iterator[PrivateRabbitMQ]:
    """One for all tests below, each of which leaves it running."""
    with private_rabbitmq_server(durable=False) as server:
        yield server


async def test_a_frozen_broker_is_silent_until_thawed(node: PrivateRabbitMQ) -> None:
    async with await aio_pika.connect(node.url_for("/")) as connection:
        channel = await connection.channel()

        node.freeze()
        answer = asyncio.create_task(declare(channel, "asked"), name="asked while frozen")
        await asyncio.wait([answer], timeout=0.3)
        answered_while_frozen = answer.done()
        node.thaw()

        assert not answered_while_frozen
        assert await asyncio.wait_for(answer, 5) == 0


async def test_a_memory_alarm_can_be_raised_and_cleared(node: PrivateRabbitMQ) -> None:
    node.ctl("set_vm_memory_high_watermark", "0.0000001")
    raised = node.ctl("eval", "rabbit_alarm:get_alarms().")
    node.ctl("set_vm_memory_high_watermark", "absolute", "1GB")

    assert "memory" in raised
    assert "memory" not in node.ctl("eval", "rabbit_alarm:get_alarms().")


async def test_a_killed_broker_is_back_at_its_address_with_its_messages(node: PrivateRabbitMQ) -> None:
    async with await aio_pika.connect(node.url_for("/")) as connection:
        channel = await connection.channel()
        await declare(channel, "kept")
        message = aio_pika.Message(b"7", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, routing_key="kept")

        node.ctl("eval", "mnesia:sync_log().")  # A queue that is declared is on the disk a moment later.
        node.kill()
        with pytest.raises(ConnectionError):
            await aio_pika.connect(node.url_for("/"))
    node.restart()

    async with await aio_pika.connect(node.url_for("/")) as connection:
        assert await declare(await connection.channel(), "kept") == 1


async def declare(channel: AbstractChannel, name: str) -> int:
    """The number of messages in it."""
    queue = await channel.declare_queue(name, durable=True)
    return queue.declaration_result.message_count or 0
