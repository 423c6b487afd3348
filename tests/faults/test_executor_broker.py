"""The broker's part: a queue that is deleted, backlogs, and messages that aged in hand: rows 7, 10, 25 and 26."""

import asyncio
from datetime import timedelta

import pytest

from shared.events import utc_now
from shared.wire.topology import EXECUTOR_LISTINGS
from tests.faults.ground import Ground
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.running.compositions import READING, normal_way_only
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

AGE_SECONDS = 2


async def test_what_was_listed_while_nobody_ran_is_not_bought_late(ground: Ground) -> None:
    stale = ground.told_of((await ground.lists()).symbol)
    ago = utc_now() - timedelta(hours=1)
    stale = stale.model_copy(update={"listed_at": ago, "observed_at": ago})
    fresh = await ground.lists()
    await ground.publish(stale)
    await ground.publish(fresh)
    await ground.staffed()
    order = await ground.becomes(stale, "rejected")
    await ground.becomes(fresh, "filled")
    await ground.settled()

    assert order["error_reason"].startswith("stale_listing")
    assert await ground.posted(stale) == []


@READING
async def test_a_message_that_ages_while_it_is_handled_is_not_bought(ground: Ground) -> None:
    listing = await ground.lists()
    async with ground.executor("before reservation_sql.READ", listing_age_seconds=AGE_SECONDS) as executor:
        await ground.publish(listing)
        await executor.reaches("before reservation_sql.READ")
        aged = utc_now() + timedelta(seconds=AGE_SECONDS)
        await eventually(lambda: utc_now() > aged)
        executor.go_on()
        order = await ground.becomes(listing, "rejected", "filled")
        await ground.settled()

    assert order["error_reason"].startswith("stale_listing")
    assert await ground.posted(listing) == []


@READING
async def test_an_executor_that_was_killed_before_it_decided_leaves_a_listing_that_expires(ground: Ground) -> None:
    listing = await ground.lists()
    async with ground.executor("before reservation_sql.READ") as executor:
        await ground.publish(listing)
        await executor.reaches("before reservation_sql.READ")
        await executor.kill()
    aged = utc_now() + timedelta(seconds=AGE_SECONDS)
    await eventually(lambda: utc_now() > aged)
    async with ground.executor(listing_age_seconds=AGE_SECONDS):
        order = await ground.becomes(listing, "rejected")
        await ground.settled()

    assert order["error_reason"].startswith("stale_listing")


@normal_way_only("the announcement is lost with the queue, and no dedup runs here to repeat it")
async def test_an_executor_whose_queue_was_deleted_consumes_again(
    ground: Ground, rabbitmq_server: RabbitMQServer
) -> None:
    await ground.staffed()
    vhost = ground.orders.broker_url.rsplit("/", 1)[1]

    def delete() -> None:
        with rabbitmq_server.management() as api:
            api.delete(f"/api/queues/{vhost}/{EXECUTOR_LISTINGS.name}").raise_for_status()

    await asyncio.to_thread(delete)
    await eventually(lambda: _bought(ground), within_seconds=20, every_seconds=0.2)
    await ground.settled()


async def _bought(ground: Ground) -> bool:
    """Return whether a listing published now gets through; one that no queue takes does not."""
    listing = await ground.lists()
    await ground.publish(listing)
    await ground.becomes(listing, "filled", within_seconds=5)
    return True
