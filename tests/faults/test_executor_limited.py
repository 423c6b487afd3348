"""An exchange that asks for quiet, or shows orders late: rows 15 and 17."""

import itertools
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial

import pytest
import pytest_asyncio

from shared.events import Listing, utc_now
from tests.faults.ground import Ground
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

LONG = 600
CLOSE = "INSERT INTO close_requests (listing_key, mode, requested_by) VALUES ($1, 'live', 'test')"


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def quiet_ends_with_the_test(ground: Ground) -> AsyncIterator[None]:
    """A quiet outlives its executor, and would the test."""
    yield
    await the_quiet_ends(ground)


async def the_quiet_ends(ground: Ground) -> None:
    """Let the next executor start as it would once a quiet, which outlives its executor, is over."""
    await ground.execute("DELETE FROM rate_usage")


async def test_after_a_429_nothing_is_sent_for_as_long_as_it_says_and_then_the_order_goes_out(ground: Ground) -> None:
    await ground.staffed(retry_seconds=8)
    first, second = await ground.lists(), await ground.lists()
    await ground.simulator.arm("http_status", status=429, retry_after=2)
    await ground.publish(first)
    await eventually(lambda: ground.posted(first))
    await ground.publish(second)
    await ground.becomes(first, "filled")
    await ground.becomes(second, "filled")
    await ground.settled()

    posted = [*await ground.posted(first), *await ground.posted(second)]
    refused, *others = sorted(each["received_at_ns"] for each in posted)
    assert len(others) == 2
    assert min(others) - refused > 2e9


@pytest.mark.parametrize("status", [418, 429])
async def test_a_ban_leaves_in_doubt_what_it_outlasts_and_lets_nothing_out_while_it_lasts(
    ground: Ground, status: int
) -> None:
    async with ground.executor() as executor:
        first = await ground.lists()
        await ground.simulator.arm("http_status", status=status, retry_after=LONG)
        await ground.publish(first)
        await ground.becomes(first, "unknown")
        others = [await ground.lists() for _ in range(3)]
        for listing in others:
            await ground.publish(listing)
        after = [await ground.becomes(listing, "rejected", within_seconds=10) for listing in others]

        assert await executor.stop() == 0, executor.log()

    await the_quiet_ends(ground)
    await ground.staffed()
    order = await ground.becomes(first, "failed")
    await ground.settled()
    reasons = {each["error_reason"].partition(":")[0] for each in after}
    assert order["error_reason"] == "never_arrived"
    assert reasons == {"too_many_requests"}
    assert [len(await ground.posted(listing)) for listing in (first, *others)] == [1, 0, 0, 0]


async def test_during_a_ban_the_exchange_is_not_asked_for_anything_about_orders(ground: Ground) -> None:
    async with ground.executor():
        first = await ground.lists()
        await ground.simulator.arm("http_status", status=418, retry_after=LONG)
        await ground.publish(first)
        await ground.becomes(first, "unknown")
        before = await ground.simulator.requests()
        until = utc_now() + timedelta(seconds=3)
        await eventually(lambda: _is_over(until), within_seconds=5)
        after = await ground.simulator.requests()

    await the_quiet_ends(ground)
    await ground.staffed()
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


async def test_a_ban_told_under_200_lets_nothing_out_for_as_long_as_it_says(ground: Ground) -> None:
    async with ground.executor():
        first, second = await ground.lists(), await ground.lists()
        body = '{"code": 418, "msg": "banned"}'
        await ground.simulator.arm("http_status", status=200, body=body, retry_after=LONG)
        await ground.publish(first)
        await ground.becomes(first, "unknown")
        await ground.publish(second)
        await ground.becomes(second, "rejected", within_seconds=10)

        assert await ground.posted(second) == []


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


async def test_a_sale_that_is_kept_out_goes_out_again_after_the_quiet_unless_it_was_taken(ground: Ground) -> None:
    # The proof that a sale was not taken needs the end of the quiet, and half a second for those that need no proof.
    settings = {"exit_check_seconds": 0.2, "protection_seconds": 30, "exchange_timeout_seconds": 5, "sale_seconds": 5}
    async with ground.executor(**settings):
        for status, accept in itertools.product((403, 418, 429), (False, True)):
            listing = await ground.lists()
            await ground.publish(listing)
            await ground.becomes(listing, "filled")
            await ground.simulator.arm("http_status", status=status, accept=accept, retry_after=1)
            await ground.execute(CLOSE, listing.key)
            # Far sooner than an order could be hidden.
            await eventually(partial(_is_closed, ground, listing))

            sales = [each for each in await ground.posted(listing) if each["side"] == "SELL"]
            assert [each["accepted"] for each in sales] == ([True] if accept else [False, True]), f"{status} {accept}"
            assert len({each["client_order_id"] for each in sales}) == 1
        await ground.settled()


async def _is_closed(ground: Ground, listing: Listing) -> bool:
    [position] = await ground.rows("SELECT state FROM positions WHERE listing_key = $1", listing.key)
    return bool(position["state"] == "closed")
