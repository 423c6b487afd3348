"""A database that is away, frozen, or cut off in the middle of a commit: rows 27 to 29."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
import pytest_asyncio

from shared.events import utc_now
from tests.faults.database_proxy import DatabaseProxy, database_proxy
from tests.faults.ground import Ground, a_ground
from tests.servers.postgres import PrivatePostgres, private_postgres_server
from tests.servers.rabbitmq import RabbitMQServer
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

AGE_SECONDS = 3
IMPATIENT = {"statement_timeout_seconds": 1, "connect_timeout_seconds": 1}


@pytest.fixture(scope="module")
def postgres() -> Iterator[PrivatePostgres]:
    with private_postgres_server(durable=False) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_ground(
    postgres: PrivatePostgres, rabbitmq_server: RabbitMQServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ground]:
    async with a_ground(postgres, rabbitmq_server, tmp_path_factory.mktemp("executor")) as ground:
        ground.orders.database.update(IMPATIENT)
        yield ground


async def test_while_the_database_is_down_nothing_is_bought_and_what_ages_meanwhile_is_not_either(
    ground: Ground, postgres: PrivatePostgres
) -> None:
    async with ground.executor(listing_age_seconds=AGE_SECONDS):
        await asyncio.to_thread(postgres.stop)
        old = await ground.lists()
        await ground.publish(old)
        aged = utc_now() + timedelta(seconds=AGE_SECONDS)
        await eventually(lambda: utc_now() > aged)
        assert await ground.posted(old) == []
        await asyncio.to_thread(postgres.start)

        order = await ground.becomes(old, "rejected")
        fresh = await ground.lists()
        await ground.publish(fresh)
        await ground.becomes(fresh, "filled", "rejected")
        # The halts have to be read again first, and until then they are unknown.
        await eventually(lambda: _bought(ground), within_seconds=20)
        await ground.settled()

    assert order["error_reason"].startswith("stale_listing")
    assert await ground.posted(old) == []


async def _bought(ground: Ground) -> bool:
    listing = await ground.lists()
    await ground.publish(listing)
    return bool((await ground.becomes(listing, "filled", "rejected"))["state"] == "filled")


async def test_a_frozen_database_denies_what_is_not_decided_and_what_is_not_sent_and_blocks_nobody(
    ground: Ground, postgres: PrivatePostgres
) -> None:
    async with ground.executor("after reservation_sql.RESERVE") as executor:
        decided, undecided = await ground.lists(), await ground.lists()
        await ground.publish(decided)
        await executor.reaches("after reservation_sql.RESERVE")
        postgres.freeze()
        await ground.publish(undecided)
        # Halts unreadable for so long count as in force.
        unreadable = utc_now() + timedelta(seconds=3)
        await eventually(lambda: utc_now() > unreadable)
        await executor.hold()
        assert await ground.posted(decided) == await ground.posted(undecided) == []
        await executor.hold()  # It answers, so its loop runs.
        postgres.thaw()

        order = await ground.becomes(decided, "rejected", "expired")
        # What was on its way to the server as that froze is committed as it thaws. Nobody waits for it: it is not sent.
        ended = await ground.becomes(undecided, "filled", "rejected", "failed")
        await eventually(lambda: _bought(ground), within_seconds=20)
        await ground.settled()

    assert len(await ground.posted(undecided)) == (ended["state"] == "filled")
    assert order["error_reason"].startswith(("halted: halt state unreadable", "stale_listing"))
    assert await ground.posted(decided) == []


@pytest_asyncio.fixture(loop_scope="module")
async def through(ground: Ground) -> AsyncIterator[tuple[Ground, DatabaseProxy]]:
    """Return the ground with another way to its database, for executors only."""
    async with database_proxy(ground.orders.database_url) as proxy:
        yield dataclasses.replace(ground, orders=dataclasses.replace(ground.orders, database_url=proxy.url)), proxy


ANSWERS = {
    # One row that holds true; the others are the tags of completed commands.
    "before reservation_sql.RESERVE": b"D\x00\x00\x00\x0b\x00\x01\x00\x00\x00\x01\x01",
    "before commit": b"COMMIT\x00",
    "before commit#2": b"COMMIT\x00",
    "before outbox.REMOVE": b"DELETE 1\x00",
}
"""What the server answers to the step after each point, once it is done."""


@pytest.mark.parametrize("point", ANSWERS)
async def test_a_connection_that_is_lost_while_it_commits_leads_to_no_second_order(
    through: tuple[Ground, DatabaseProxy], point: str
) -> None:
    ground, proxy = through
    listing = await ground.lists()
    async with ground.executor(point) as executor:
        await ground.publish(listing)
        await executor.reaches(point)
        proxy.fatal = ANSWERS[point]
        executor.go_on()
        async with asyncio.timeout(10):
            await proxy.lost.wait()
        order = await ground.becomes(listing, "filled", "failed")
        await ground.settled()

    unsent = point == "before reservation_sql.RESERVE"
    assert (order["state"], len(await ground.posted(listing))) == (("failed", 0) if unsent else ("filled", 1))
    assert len({trade.id for trade in ground.told(listing)}) == (2 if unsent else 1)
