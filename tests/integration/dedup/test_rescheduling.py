"""Opening times that move: one event for each new one."""

import asyncio
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from shared.events import Listing, ListingRescheduled, RawListing, Source
from shared.postgres.database import Database
from tests.support.data.builders import NOON, a_raw_listing
from tests.support.running.dedups import DedupProcess

ONE = NOON + timedelta(hours=1)
TWO = NOON + timedelta(hours=2)
THREE = NOON + timedelta(hours=3)


def told(opens_at: datetime | None, seconds: float, **overrides: Any) -> RawListing:
    """A sighting of ABCUSDT that says when it opens, made that many seconds after noon."""
    return a_raw_listing(opens_at=opens_at, observed_at=NOON + timedelta(seconds=seconds), **overrides)


async def opening(database: Database) -> datetime | None:
    async with database.connection() as connection:
        found: datetime | None = await connection.fetchval("SELECT opens_at FROM listing_claims")
        return found


async def test_a_new_opening_time_is_one_event_about_the_same_listing(database: Database) -> None:
    process = DedupProcess(database)
    [listing] = await process(told(ONE, 0))

    [moved] = await process(told(TWO, 60, source="mexc_rest_api"))

    assert isinstance(moved, ListingRescheduled)
    assert (moved.key, moved.opens_at) == (listing.key, TWO)
    assert moved.id == f"ABCUSDT:1:rescheduled:{int(TWO.timestamp()) * 1000}"
    assert process.count("rescheduled", Source.MEXC_REST_API) == 1
    assert await opening(database) == TWO


@pytest.mark.parametrize("later", [told(ONE, 60), told(None, 60), told(TWO, -60), told(TWO, 0)])
async def test_the_same_no_or_an_older_opening_time_is_only_a_duplicate(database: Database, later: RawListing) -> None:
    process = DedupProcess(database)
    await process(told(ONE, 0))

    assert await process(later) == ()
    assert await opening(database) == ONE


async def test_an_opening_time_that_was_not_known_yet_is_told(database: Database) -> None:
    process = DedupProcess(database)
    await process(told(None, 0))

    [moved] = await process(told(ONE, 60))

    assert moved.opens_at == ONE


async def test_an_opening_time_is_told_though_its_sighting_was_overtaken_by_one_that_knew_none(
    database: Database,
) -> None:
    process = DedupProcess(database)
    await process(told(None, 0))

    assert [moved.opens_at for moved in await process(told(ONE, -1))] == [ONE]


async def test_that_an_open_listing_has_opened_is_no_news(database: Database) -> None:
    process = DedupProcess(database)
    await process(told(None, 0))

    assert await process(told(NOON, 1)) == ()
    assert await opening(database) == NOON


@pytest.mark.parametrize("source", list(Source)[:2])
async def test_that_a_listing_without_an_opening_trades_a_while_later_is_told_once(
    database: Database, source: Source
) -> None:
    process, opened = DedupProcess(database), NOON + timedelta(seconds=300)
    await process(told(None, 0))

    [moved] = await process(told(opened, 300, source=source))

    assert isinstance(moved, ListingRescheduled)
    assert (moved.opens_at, moved.observed_at) == (opened, opened)
    assert await process(told(opened, 301, source="mexc_rest_api")) == ()


@pytest.mark.parametrize(
    ("rules", "is_told"),
    [
        ({"api_allowed": False}, True),
        ({"api_allowed": True, "trade_side_type": 4}, True),
        ({"trade_side_type": 3}, True),
        ({"api_allowed": True, "trade_side_type": 2}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("seconds", [-1, 5])
async def test_that_a_listing_which_was_shown_closed_trades_is_told_however_soon(
    database: Database, rules: dict[str, Any], seconds: float, *, is_told: bool
) -> None:
    process, opened = DedupProcess(database), NOON + timedelta(seconds=seconds)
    await process(told(None, 0, rules=rules))

    moves = await process(told(opened, seconds))

    assert [moved.opens_at for moved in moves] == [opened] * is_told
    assert await process(told(opened, seconds + 1, source="mexc_rest_api")) == ()


async def test_an_opening_that_came_later_than_it_was_told_is_told_once_and_again_when_it_comes_back(
    database: Database,
) -> None:
    opened = told(ONE + timedelta(seconds=70), 3670)
    await DedupProcess(database)(told(ONE, 0))

    [moved] = await DedupProcess(database)(opened)

    assert moved.opens_at == moved.observed_at == opened.observed_at
    assert await DedupProcess(database)(opened) == (moved,)
    assert await DedupProcess(database)(told(opened.opens_at, 3671)) == ()


async def test_an_opening_that_is_brought_forward_to_now_is_told(database: Database) -> None:
    process = DedupProcess(database)
    await process(told(ONE, 0))

    assert [moved.opens_at for moved in await process(told(NOON, 60))] == [NOON]


async def test_an_opening_time_that_moves_there_and_back_is_told_each_time(database: Database) -> None:
    process = DedupProcess(database)
    await process(told(ONE, 0))

    moves = [await process(told(TWO, 60)), await process(told(ONE, 120))]

    assert [moved.opens_at for [moved] in moves] == [TWO, ONE]


async def test_killed_between_update_and_confirm_the_reschedule_is_published_again(database: Database) -> None:
    later = told(TWO, 60)
    await DedupProcess(database)(told(ONE, 0))
    first = await DedupProcess(database)(later)

    assert await DedupProcess(database)(later) == first


async def test_news_of_an_opening_is_told_though_the_sighting_cannot_be_kept(database: Database) -> None:
    process = DedupProcess(database)
    process.refuses_observations = True
    await process(told(ONE, 0))

    assert [moved.opens_at for moved in await process(told(TWO, 60))] == [TWO]


async def test_claim_that_another_version_wrote_is_moved_by_what_is_known_of_it(database: Database) -> None:
    process = DedupProcess(database)
    [listing] = await process(told(ONE, 0))
    async with database.connection() as connection:
        await connection.execute("UPDATE listing_claims SET listing = listing || jsonb_build_object('symbol', 7)")

    [moved] = await DedupProcess(database)(told(TWO, 60))

    assert (moved.key, moved.symbol, moved.opens_at) == (listing.key, "ABCUSDT", TWO)


async def test_listing_whose_claim_another_version_wrote_is_published_again(database: Database) -> None:
    first = told(ONE, 0)
    [listing] = await DedupProcess(database)(first)
    async with database.connection() as connection:
        await connection.execute("UPDATE listing_claims SET listing = '{}'")

    assert [again.id for again in await DedupProcess(database)(first)] == [listing.id]


async def test_the_same_news_from_a_second_source_is_no_second_event_nor_takes_the_first_one_away(
    database: Database,
) -> None:
    first, second = told(TWO, 60), told(TWO, 70, source="mexc_rest_api")
    process = DedupProcess(database)
    await process(told(ONE, 0))
    published = await process(first)

    assert await process(second) == ()
    assert await process(first) == published


async def test_a_redelivery_does_not_bring_an_older_opening_time_back(database: Database) -> None:
    process, second = DedupProcess(database), told(TWO, 60)
    await process(told(ONE, 0))
    await process(second)
    await process(told(THREE, 120))

    assert await process(second) == ()
    assert await opening(database) == THREE


async def test_news_that_reaches_many_processes_at_once_is_told_once(database: Database) -> None:
    processes = [DedupProcess(database) for _ in range(2)]
    await processes[0](told(ONE, 0))

    answers = await asyncio.gather(*(processes[number % 2](told(TWO, 60)) for number in range(50)))

    assert sum(len(answer) for answer in answers) == 1


async def test_a_relisting_has_an_opening_time_of_its_own(database: Database) -> None:
    process = DedupProcess(database)
    await process(told(ONE, 0))

    [relisted] = await process(told(TWO, 60, occurrence=2))

    assert (type(relisted), relisted.key) == (Listing, "ABCUSDT:2")


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_in_whatever_order_the_words_arrive_the_latest_stands(database: Database, order: tuple[int, ...]) -> None:
    words = [told(ONE, 0), told(TWO, 60), told(None, 90), told(THREE, 120)]
    process = DedupProcess(database)

    events = [event for index in order for event in await process(words[index])]

    assert await opening(database) == THREE
    assert [type(event) for event in events].count(Listing) == 1
    assert max(events, key=lambda event: event.observed_at if event.opens_at else NOON).opens_at == THREE
    assert len({event.id for event in events}) == len(events)
