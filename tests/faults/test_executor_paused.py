"""Executors that are stopped in the middle and wake up late, and two that run side by side: rows 30 to 33."""

import asyncio
from decimal import Decimal

import pytest

from shared.wire.topology import to_message
from tests.faults.ground import Ground
from tests.support.running.compositions import READING
from tests.support.running.pipelines import publish_all

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


async def test_an_executor_that_wakes_up_late_after_its_decision_sends_nothing(ground: Ground) -> None:
    listing = await ground.lists()
    async with ground.executor("after reservation_sql.RESERVE") as sleeper:
        await ground.publish(listing)
        await sleeper.reaches("after reservation_sql.RESERVE")
        sleeper.pause()
        async with ground.executor():
            await ground.becomes(listing, "failed")
            sleeper.resume()
            sleeper.go_on()
            await sleeper.reaches("after transition_sql.READ")
            await ground.settled()

    assert await ground.posted(listing) == []


async def test_a_request_that_was_signed_long_ago_is_not_sent_any_more(ground: Ground) -> None:
    listing = await ground.lists()
    async with ground.executor("before send") as sleeper:
        await ground.publish(listing)
        await sleeper.reaches("before send")
        sleeper.pause()
        async with ground.executor():
            await ground.becomes(listing, "failed")
            sleeper.resume()
            sleeper.go_on()
            await sleeper.reaches("after transition_sql.READ")
            await ground.settled()

    assert await ground.posted(listing) == []


@pytest.mark.parametrize(
    "point", [pytest.param("before reservation_sql.READ", marks=READING), "before reservation_sql.RESERVE"]
)
async def test_an_executor_that_wakes_up_before_its_decision_finds_that_another_took_it(
    ground: Ground, point: str
) -> None:
    listing = await ground.lists()
    async with ground.executor(point) as sleeper:
        await ground.publish(listing)
        await sleeper.reaches(point)
        sleeper.pause()
        async with ground.executor():
            # One for each: the broker takes turns, and takes what it gave a sleeper back only after half a minute.
            for _ in range(2):
                await ground.publish(listing)
            await ground.becomes(listing, "filled")
            sleeper.resume()
            sleeper.go_on()
            await sleeper.reaches("after handle")
            await ground.settled()

    assert len(await ground.posted(listing)) == 1


async def test_two_executors_handed_fifty_copies_of_each_listing_buy_each_once(ground: Ground) -> None:
    listings = [await ground.lists() for _ in range(4)]
    async with ground.executor(), ground.executor():
        await publish_all(ground.runtime.bus, (to_message(each) for each in listings for _ in range(50)))
        for listing in listings:
            await ground.becomes(listing, "filled")
        await ground.settled()

    assert [len(await ground.posted(listing)) for listing in listings] == [1] * 4


async def test_forty_listings_against_room_for_ten_are_bought_ten_times_by_two_executors(ground: Ground) -> None:
    [exposure] = await ground.rows("SELECT filled_usdt FROM exposure WHERE mode = 'live'")
    limit = exposure["filled_usdt"] + 210  # An order of 20 reserves what it costs at its cap, 21 at most.
    await ground.execute("UPDATE trade_config SET max_position_usdt = $1", limit)
    listings = [await ground.lists() for _ in range(40)]
    async with ground.executor(), ground.executor():
        await publish_all(ground.runtime.bus, (to_message(each) for each in listings))
        orders = await asyncio.gather(*(ground.becomes(each, "filled", "rejected") for each in listings))
        await ground.settled()
    spending = await ground.simulator.spending()
    await ground.execute("UPDATE trade_config SET max_position_usdt = 1000000")

    # What is reserved beyond what is spent comes back a moment later, so one more may find room, and none too much.
    bought = [order for order in orders if order["state"] == "filled"]
    assert 10 <= len(bought) <= 11
    assert {order["error_reason"] for order in orders if order["state"] == "rejected"} == {"max_position"}
    assert Decimal(spending["exposure_max"]) <= limit
