"""The in-process bus, while processes are killed and the database goes away."""

import asyncio
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from shared.bus import delivery
from shared.bus.embedded import lock
from shared.bus.port import Message
from shared.errors import TransientError
from tests.servers.postgres import PrivatePostgres
from tests.support.running.buses import DEAD_LETTERS, EmbeddedBroker, Inbox, a_message, a_queue, consuming, drained
from tests.support.running.services import open_database
from tests.waiting import eventually

LISTINGS = a_queue()

END_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
END_SESSIONS_WITH_LOCKS = """
    SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE locktype = 'advisory' AND granted AND datname = current_database()
"""


@pytest.fixture
def broker(database_url: str) -> EmbeddedBroker:
    return EmbeddedBroker(database_url)


async def rows(url: str, query: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


async def test_killed_process_loses_nothing_it_confirmed(broker: EmbeddedBroker, database_url: str) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.bus_child", database_url, stdout=asyncio.subprocess.PIPE
    )
    told: dict[str, set[bytes]] = defaultdict(set)
    assert child.stdout is not None
    try:
        async with asyncio.timeout(30):
            while len(told["handled"]) < 50:
                what, body = (await child.stdout.readline()).split()
                told[what.decode()].add(body)
    finally:
        child.kill()
        output, _ = await child.communicate()
    # The last line may have been cut off.
    for line in output.splitlines(keepends=True):
        if line.endswith(b"\n"):
            what, body = line.split()
            told[what.decode()].add(body)

    left = await drained(broker, LISTINGS)

    assert told["confirmed"] <= told["handled"] | set(left)


async def test_delivery_cut_short_by_a_crash_counts_as_an_attempt(broker: EmbeddedBroker, database_url: str) -> None:
    queue = replace(LISTINGS, attempts_max=2)
    started = asyncio.Event()

    async def hang(_: Message) -> list[Message]:
        started.set()
        await asyncio.Event().wait()
        return []

    async def fail(_: Message) -> list[Message]:
        raise ValueError("bug")

    async with broker.open(queue) as bus:
        await bus.publish(a_message(b"before the consumer"))
        crashing = asyncio.create_task(bus.consume(queue, hang, until=asyncio.Event()))
        await started.wait()
        await rows(database_url, END_SESSIONS)
        crashing.cancel()
        with suppress(asyncio.CancelledError):
            await crashing

    graves = Inbox()
    async with broker.open(queue) as bus, consuming(bus, queue, fail), consuming(bus, DEAD_LETTERS, graves):
        await graves.gets(1)
    assert graves.messages[0].headers[delivery.ATTEMPTS] == "2"


async def test_message_of_another_process_arrives_within_a_second(broker: EmbeddedBroker) -> None:
    inbox, loop, took_seconds = Inbox(), asyncio.get_running_loop(), list[float]()

    async with broker.open(LISTINGS) as bus, broker.open(LISTINGS) as another, consuming(bus, LISTINGS, inbox):
        await eventually(bus.is_connected)
        for number in range(3):
            published_at = loop.time()
            await another.publish(a_message(b"%d" % number))
            await eventually(lambda: len(inbox.bodies()) > number)  # noqa: B023 - it is awaited here
            took_seconds.append(loop.time() - published_at)

    # One of them may meet a moment in which the machine does something else.
    assert statistics.median(took_seconds) < 1


async def test_bus_says_it_is_not_connected_while_another_process_has_its_queue(broker: EmbeddedBroker) -> None:
    async with broker.open(LISTINGS) as bus, broker.open(LISTINGS) as second, consuming(bus, LISTINGS, Inbox()):
        await eventually(bus.is_connected)
        async with consuming(second, LISTINGS, Inbox()):
            assert not second.is_connected()


async def test_queue_passes_on_when_its_process_dies_without_a_word(broker: EmbeddedBroker, database_url: str) -> None:
    one, other = Inbox(), Inbox()

    async with (
        broker.open(LISTINGS) as bus,
        broker.open(LISTINGS) as second,
        broker.open(LISTINGS) as publisher,
        consuming(bus, LISTINGS, one),
    ):
        await eventually(bus.is_connected)
        async with consuming(second, LISTINGS, other):
            # The session of the lock ends, as it does with its process.
            await rows(database_url, END_SESSIONS_WITH_LOCKS)
            for number in range(20):
                await publisher.publish(a_message(b"%d" % number))
            await eventually(lambda: len(one.messages) + len(other.messages) >= 20)

    assert set(one.bodies()) | set(other.bodies()) == {b"%d" % number for number in range(20)}


async def test_a_queue_whose_release_was_not_answered_is_taken_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "TIMEOUT_SECONDS", 0.3)
    async with open_database(database_url) as database:
        locks = lock.QueueLocks(database.pool)
        lease = await locks.take("a queue")
        assert lease is not None
        # What the server does not answer in time.
        monkeypatch.setattr(lock, "_RELEASE", "SELECT pg_sleep(2), $1::text")
        with pytest.raises(TransientError):
            await locks.release(lease)
        monkeypatch.undo()

        assert await eventually(lambda: locks.take("a queue"), within_seconds=20)
        await locks.close()


async def test_bus_survives_a_restart_of_the_database(private_postgres: Callable[[], PrivatePostgres]) -> None:
    server = private_postgres()
    broker = EmbeddedBroker(server.create_migrated_database())
    inbox = Inbox()

    async with broker.open(LISTINGS) as bus, consuming(bus, LISTINGS, inbox):
        await bus.publish(a_message(b"before"))
        await inbox.gets(1)
        await asyncio.to_thread(server.stop)
        with pytest.raises(TransientError):
            await bus.publish(a_message(b"away"))
        await eventually(lambda: not bus.is_connected())
        await asyncio.to_thread(server.start)
        await eventually(bus.is_connected)
        await bus.publish(a_message(b"after"))
        await eventually(lambda: b"after" in inbox.bodies())

    assert await drained(broker, LISTINGS) == []


async def test_archive_keeps_messages_and_forgets_old_ones(broker: EmbeddedBroker, database_url: str) -> None:
    archive = replace(a_queue("#", name="t.archive"), kind="stream", dead_letters=False)

    async def archived() -> list[bytes]:
        kept = await rows(database_url, "SELECT body FROM bus_messages WHERE queue = $1", archive.name)
        return [row["body"] for row in kept]

    async with broker.open(archive) as bus:
        await bus.publish(a_message(b"old"))
        await rows(database_url, "UPDATE bus_messages SET published_at = now() - $1::interval", timedelta(days=8))
        await bus.publish(a_message(b"young"))
    assert await archived() == [b"old", b"young"]

    async def old_is_forgotten() -> bool:
        return await archived() == [b"young"]

    async with broker.open(archive):
        await eventually(old_is_forgotten)
