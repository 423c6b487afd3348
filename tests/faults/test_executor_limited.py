"""An exchange that asks for quiet, or shows orders late: rows 15 and 17."""

from datetime import datetime, timedelta

import pytest

from shared.events import utc_now
from tests.faults.ground import Ground
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

LONG = 600


async def test_after_a_429_nothing_is_sent_for_as_long_as_it_says_and_then_the_order_goes_out(ground: Ground) -> None:
    await ground.staffed(retry_seconds=8)
    first, second = await ground.lists(), await ground.lists()
    await ground.simulator.arm("http_status", status=429, retry_after=2)
    await ground.publish(first)
    await eventually(lambda: ground.posted(first), within_seconds=10)
    await ground.publish(second)
    await ground.becomes(first, "filled")
    await ground.becomes(second, "filled")
    await ground.settled()

    posted = [*await ground.posted(first), *await ground.posted(second)]
    refused, *others = sorted(each["received_at_ns"] for each in posted)
    assert len(others) == 2
    assert min(others) - refused > 2e9


@pytest.mark.parametrize("status", [418, 429])
async def test_a_ban_rejects_what_it_outlasts_and_lets_nothing_out_while_it_lasts(ground: Ground, status: int) -> None:
    # A quiet of this executor's ends with it.
    async with ground.executor() as executor:
        first = await ground.lists()
        await ground.simulator.arm("http_status", status=status, retry_after=LONG)
        await ground.publish(first)
        order = await ground.becomes(first, "rejected")
        others = [await ground.lists() for _ in range(3)]
        for listing in others:
            await ground.publish(listing)
        after = [await ground.becomes(listing, "rejected", within_seconds=10) for listing in others]
        await ground.settled()

        assert await executor.stop() == 0, executor.log()

    reasons = {each["error_reason"].partition(":")[0] for each in (order, *after)}
    assert reasons == {"too_many_requests"}
    assert [len(await ground.posted(listing)) for listing in (first, *others)] == [1, 0, 0, 0]


async def test_during_a_ban_the_exchange_is_not_asked_for_anything_about_orders(ground: Ground) -> None:
    async with ground.executor():
        first = await ground.lists()
        await ground.simulator.arm("http_status", status=418, retry_after=LONG)
        await ground.publish(first)
        await ground.becomes(first, "rejected")
        before = await ground.simulator.requests()
        until = utc_now() + timedelta(seconds=3)
        await eventually(lambda: _is_over(until), within_seconds=5)
        after = await ground.simulator.requests()
        await ground.settled()

    assert after == before


def _is_over(moment: datetime) -> bool:
    return utc_now() > moment


async def test_an_order_that_shows_late_is_waited_for_and_never_taken_for_absent(ground: Ground) -> None:
    await ground.staffed()
    listing = await ground.lists()
    await ground.simulator.arm("order_visibility_lag", seconds=2)
    await ground.simulator.arm("drop_connection", accept=True)
    await ground.publish(listing)
    await ground.becomes(listing, "unknown")
    await ground.becomes(listing, "filled")
    await ground.settled()

    assert len(await ground.posted(listing)) == 1


async def test_an_acknowledged_order_is_looked_up_until_it_shows(ground: Ground) -> None:
    await ground.staffed()
    listing = await ground.lists()
    # For longer than an unknown order would be waited for.
    await ground.simulator.arm("order_visibility_lag", seconds=6)
    await ground.publish(listing)
    await ground.becomes(listing, "acknowledged")
    await ground.becomes(listing, "filled")
    await ground.settled()

    assert len(await ground.posted(listing)) == 1


async def test_an_order_that_does_not_show_yet_to_the_successor_of_its_sender_halts_nobody(ground: Ground) -> None:
    executor = await ground.staffed()
    listing = await ground.lists()
    await ground.simulator.arm("order_visibility_lag", seconds=3)
    await executor.hold("after send")
    await ground.publish(listing)
    await executor.reaches("after send")
    await executor.kill()
    await ground.staffed()
    await ground.becomes(listing, "filled")
    await ground.settled()

    assert await ground.rows("SELECT cause, reason FROM halts") == []
