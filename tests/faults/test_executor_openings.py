"""Openings that are waited for, over restarts, moves and delays: rows 35 and 36."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from shared.events import Listing, ListingRescheduled, utc_now
from shared.wire.topology import to_message
from tests.faults.ground import Ground
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

FIRING: Final = tuple(
    f"{when} {step}"
    for step in ("reservation_sql.READ", "reservation_sql.FIRE", "send", "commit")
    for when in ("before", "after")
)
CLOCK_UNCERTAINTY: Final = timedelta(milliseconds=50)
"""How well the exchange's clock is known on a busy machine."""
PREOPEN: Final = 30001
NOT_FIRED: Final = frozenset(
    {"before reservation_sql.READ", "after reservation_sql.READ", "before reservation_sql.FIRE"}
)
NOT_SENT: Final = frozenset({"after reservation_sql.FIRE", "before send"})


async def opening(ground: Ground, opens_in: float, **coin: Any) -> Listing:
    """List a coin that opens later, and return what dedup would say of it."""
    listing = await ground.lists(opens_in=opens_in, **coin)
    shown = await ground.simulator.coin(listing.symbol)
    opens_at = datetime.fromtimestamp(shown["first_open_time_ms"] / 1000, UTC)
    return listing.model_copy(update={"opens_at": opens_at})


async def moved(ground: Ground, listing: Listing, opens_in: float) -> Listing:
    """Move the opening of *listing*, and return what dedup would say of that."""
    await ground.simulator.change_coin(listing.symbol, opens_in=opens_in)
    shown = await ground.simulator.coin(listing.symbol)
    opens_at = datetime.fromtimestamp(shown["first_open_time_ms"] / 1000, UTC)
    news = listing.model_dump() | {"id": f"{listing.key}:moved", "opens_at": opens_at}
    return ListingRescheduled.model_validate(news)


def is_a_hair_early(entry: dict[str, Any], listing: Listing) -> bool:
    """Return whether the exchange refused a request because it came before the opening, by no more than clocks differ.

    Such a request made no order, and another may follow it at once.
    """
    assert listing.opens_at is not None
    received_at = datetime.fromtimestamp(entry["received_exchange_ns"] / 1e9, UTC)
    is_refused = not entry["accepted"] and json.loads(entry["answer"])["code"] == PREOPEN
    return is_refused and listing.opens_at - CLOCK_UNCERTAINTY <= received_at < listing.opens_at


async def first_request(ground: Ground, listing: Listing) -> datetime:
    first = (await ground.posted(listing))[0]
    return datetime.fromtimestamp(first["received_exchange_ns"] / 1e9, UTC)


@pytest.mark.parametrize("point", FIRING)
async def test_an_executor_killed_around_the_opening_leaves_one_order_or_none(ground: Ground, point: str) -> None:
    executor = await ground.staffed()
    listing = await opening(ground, 3)
    await ground.publish(listing)
    await ground.becomes(listing, "armed")
    await executor.hold(point)
    await executor.reaches(point)
    await executor.kill()
    await ground.staffed()
    order = await ground.becomes(listing, "filled", "failed", "expired")
    await ground.settled()

    posted = await ground.posted(listing)
    early = [each for each in posted if is_a_hair_early(each, listing)]
    later = [each for each in posted if each not in early]
    assert [each["accepted"] for each in later] == [True] * (order["state"] == "filled")
    if point in NOT_SENT:
        assert (order["state"], posted) == ("failed", [])
    elif point not in NOT_FIRED and not (early and point == "after send"):
        assert order["state"] == "filled"


async def test_an_armed_order_survives_a_restart_and_fires_once_at_its_opening(ground: Ground) -> None:
    executor = await ground.staffed()
    listing = await opening(ground, 9)
    await ground.publish(listing)
    await ground.becomes(listing, "armed")
    await executor.kill()
    await ground.staffed()
    await ground.becomes(listing, "filled")
    await ground.settled()

    assert listing.opens_at is not None
    assert await first_request(ground, listing) >= listing.opens_at - CLOCK_UNCERTAINTY
    assert len(await ground.placed(listing)) == 1


async def test_an_opening_that_passed_while_nobody_ran_expires(ground: Ground) -> None:
    executor = await ground.staffed()
    listing = await opening(ground, 2)
    await ground.publish(listing)
    await ground.becomes(listing, "armed")
    await executor.kill()
    assert listing.opens_at is not None
    late = listing.opens_at + timedelta(seconds=2)
    await eventually(lambda: utc_now() > late)
    async with ground.executor(listing_age_seconds=1):
        order = await ground.becomes(listing, "expired")
        await ground.settled()

    assert order["error_reason"].startswith("opening_passed")
    assert await ground.posted(listing) == []


async def test_an_executor_that_wakes_up_after_the_opening_it_decided_on_sends_nothing(ground: Ground) -> None:
    async with ground.executor("after reservation_sql.FIRE", retry_seconds=60, listing_age_seconds=1) as executor:
        listing = await opening(ground, 3)
        await ground.publish(listing)
        await executor.reaches("after reservation_sql.FIRE")
        executor.pause()
        assert listing.opens_at is not None
        late = listing.opens_at + timedelta(seconds=2)
        await eventually(lambda: utc_now() > late)
        executor.resume()
        executor.go_on()
        await eventually(lambda: reasons(ground, listing), within_seconds=20)
        [reason] = await reasons(ground, listing)
        await ground.settled()

    # It was away for as long as a halt is believed, too: whichever of the two it meets first.
    assert reason.startswith(("opening_passed", "halted: halt state unreadable"))
    assert await ground.posted(listing) == []


async def reasons(ground: Ground, listing: Listing) -> list[str]:
    """Return why the order of *listing* ended without being sent; empty while it has not."""
    query = "SELECT error_reason FROM orders WHERE listing_key = $1 AND state IN ('expired', 'rejected')"
    return [row["error_reason"] for row in await ground.rows(query, listing.key)]


async def test_an_executor_that_objects_does_not_spoil_the_order_another_has_fired(ground: Ground) -> None:
    patient = {"opening_tolerance_seconds": 5, "retry_seconds": 10}
    async with (
        ground.executor("before reservation_sql.FIRE", **patient) as firing,
        ground.executor("before transition_sql.READ", daily_spend_usdt=1, **patient) as objector,
    ):
        listing = await opening(ground, 8)
        await ground.publish(listing)
        await objector.reaches("before transition_sql.READ")
        await firing.reaches("before reservation_sql.FIRE")
        await firing.hold("after reservation_sql.FIRE")
        await firing.reaches("after reservation_sql.FIRE")
        objector.go_on()
        await objector.reaches("after transition_sql.READ")
        firing.go_on()
        await ground.becomes(listing, "filled", within_seconds=20)
        await ground.settled()

    assert len(await ground.placed(listing)) == 1


async def test_an_order_that_waited_live_ends_when_its_executor_died_while_it_decided_on_paper(ground: Ground) -> None:
    executor = await ground.staffed()
    listing = await opening(ground, 4)
    await ground.publish(listing)
    await ground.becomes(listing, "armed")
    await ground.execute("UPDATE trade_config SET auto_trade = false")
    await executor.hold("after reservation_sql.RESERVE")
    await executor.reaches("after reservation_sql.RESERVE")
    await executor.kill()
    await ground.staffed()
    order = await ground.becomes(listing, "rejected")
    await ground.settled()
    await ground.execute("UPDATE trade_config SET auto_trade = true")

    assert order["error_reason"] == "mode_switched"
    assert await ground.posted(listing) == []


async def test_an_opening_that_moves_is_followed(ground: Ground) -> None:
    await ground.staffed()
    listing = await opening(ground, 4)
    await ground.publish(listing)
    await ground.becomes(listing, "armed")
    news = await moved(ground, listing, 7)
    await ground.runtime.bus.publish(to_message(news))
    await ground.becomes(listing, "filled")
    await ground.settled()

    assert news.opens_at is not None
    assert await first_request(ground, listing) >= news.opens_at - CLOCK_UNCERTAINTY
    assert len(await ground.placed(listing)) == 1


@pytest.mark.parametrize("code", [30001, 30016, 10007])
async def test_an_exchange_that_opens_late_is_asked_until_it_does(ground: Ground, code: int) -> None:
    async with ground.executor(retry_seconds=10):
        listing = await opening(ground, 3, opens_late_by=1, preopen_code=code)
        await ground.publish(listing)
        await ground.becomes(listing, "filled")
        await ground.settled()

    posted = await ground.posted(listing)
    assert 2 <= len(posted) <= 15
    assert [each["accepted"] for each in posted] == [False] * (len(posted) - 1) + [True]


async def test_an_exchange_that_does_not_open_in_time_is_asked_no_more_until_an_opening_is_told(ground: Ground) -> None:
    async with ground.executor():
        listing = await opening(ground, 3, opens_late_by=3600)
        await ground.publish(listing)
        await ground.becomes(listing, "sending", within_seconds=10)
        await ground.becomes(listing, "armed")
        assert await ground.placed(listing) == []
        await ground.settled()

        await ground.runtime.bus.publish(to_message(await moved(ground, listing, 3)))
        await ground.becomes(listing, "filled")
        await ground.settled()

    assert len(await ground.placed(listing)) == 1
