"""Clocks that differ, step, or cannot be read: rows 41 and 42."""

from datetime import timedelta

import pytest

from shared.events import Listing
from tests.faults.ground import Ground
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

TIME = "GET /api/v3/time"
AHEAD = [5, -5, 3600]


def by_a_clock_ahead(listing: Listing, seconds: float) -> Listing:
    """Return *listing* as ingest stamps it, whose times are the exchange's."""
    names = ("listed_at", "observed_at", "published_at", "deduplicated_at")
    return listing.model_copy(update={name: getattr(listing, name) + timedelta(seconds=seconds) for name in names})


@pytest.mark.parametrize("seconds", AHEAD)
async def test_an_exchange_whose_clock_differs_from_the_start_takes_the_first_request(
    ground: Ground, seconds: int
) -> None:
    await ground.simulator.arm("clock_skew", seconds=seconds)
    async with ground.executor():
        listing = by_a_clock_ahead(await ground.lists(), seconds)
        await ground.publish(listing)
        await ground.becomes(listing, "filled")
        await ground.settled()

    assert [each["accepted"] for each in await ground.posted(listing)] == [True]


@pytest.mark.parametrize("seconds", AHEAD)
async def test_a_clock_that_steps_meanwhile_costs_one_refusal_and_the_order_is_signed_anew(
    ground: Ground, seconds: int
) -> None:
    async with ground.executor(retry_seconds=8):
        await ground.simulator.arm("clock_skew", seconds=seconds)
        listing = await ground.lists()
        await ground.publish(listing)
        await ground.becomes(listing, "filled")
        await ground.settled()

    assert [each["accepted"] for each in await ground.posted(listing)] == [False, True]


async def test_an_order_that_cannot_be_signed_anew_is_refused_and_the_next_waits(ground: Ground) -> None:
    async with ground.executor(retry_seconds=3):
        await ground.simulator.arm("clock_skew", seconds=5)
        await ground.simulator.arm("http_status", endpoint=TIME, status=503, count=None)
        listing = await ground.lists()
        await ground.publish(listing)
        order = await ground.becomes(listing, "rejected")
        next_one = await ground.lists()
        await ground.publish(next_one)
        await ground.becomes(next_one, "armed")
        before = await ground.posted(next_one)
        await ground.simulator.disarm()
        await ground.becomes(next_one, "filled")
        await ground.settled()

    assert order["error_reason"].startswith("clock_uncertain")
    assert [each["accepted"] for each in await ground.posted(listing)] == [False]
    assert before == []
    assert [each["accepted"] for each in await ground.posted(next_one)] == [True]


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("latency", {"seconds": 1.2}),
        ("hang_before_accept", {}),
        ("malformed_body", {}),
        ("http_status", {"status": 500}),
    ],
    ids=["answered late", "not answered", "not JSON", "an error"],
)
async def test_without_the_exchanges_time_nothing_is_bought_until_it_is_known(
    ground: Ground, fault: str, options: dict[str, float]
) -> None:
    await ground.simulator.arm(fault, endpoint=TIME, count=None, **options)
    before = (await ground.simulator.requests()).get(TIME, 0)
    # A start that asks three times and is not answered takes longer than listings are made to wait for it.
    async with ground.starting(reconcile_hold_seconds=60) as executor:
        listing = await ground.lists()
        await ground.publish(listing)
        await eventually(lambda: _asked(ground, before + 3), within_seconds=30)
        assert await ground.posted(listing) == []
        await ground.simulator.disarm()
        await executor.ready()
        await ground.becomes(listing, "filled")
        await ground.settled()

    assert len(await ground.posted(listing)) == 1


async def _asked(ground: Ground, count: int) -> bool:
    return (await ground.simulator.requests()).get(TIME, 0) >= count
