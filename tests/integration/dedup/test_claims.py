"""Dedup's decision, with its ledger in a real database."""

import asyncio
from datetime import timedelta
from itertools import count

import pytest

from dedup.identity import listing_of
from dedup.ledger import Ledger, fingerprint
from shared.errors import PermanentError, TransientError
from shared.events import Listing, Source
from shared.postgres.database import Database
from tests.support.data.builders import NOON, a_raw_listing
from tests.support.running.dedups import DedupProcess


async def test_the_first_sighting_becomes_the_listing(database: Database) -> None:
    [listing] = await DedupProcess(database)(a_raw_listing())

    assert (listing.id, listing.key, listing.symbol) == ("ABCUSDT:1:detected", "ABCUSDT:1", "ABCUSDT")


async def test_the_second_sighting_is_dropped(database: Database) -> None:
    process = DedupProcess(database)
    await process(a_raw_listing(source="mexc_websocket", symbol="ABCUSDT"))

    later = a_raw_listing(source="mexc_rest_api", symbol="abc_usdt", listed_at=NOON - timedelta(minutes=2))
    assert await process(later) == ()


async def test_of_fifty_sightings_at_once_one_becomes_the_listing(database: Database) -> None:
    processes = [DedupProcess(database), DedupProcess(database)]
    answers = await asyncio.gather(*(processes[number % 2](a_raw_listing()) for number in range(50)))

    assert sum(len(answer) for answer in answers) == 1


async def test_a_thousand_duplicates_later_it_is_still_one_listing(database: Database) -> None:
    process = DedupProcess(database)
    answers = await asyncio.gather(*(process(a_raw_listing()) for _ in range(1000)))

    assert sum(len(answer) for answer in answers) == 1
    assert process.count("duplicates") == 999


async def test_a_listing_is_made_ready_while_its_claim_is_committed(database: Database) -> None:
    claimed = asyncio.Event()
    ready: list[tuple[Listing, bool]] = []
    ledger = Ledger(database, meanwhile=lambda listing: ready.append((listing, claimed.is_set())))
    listing = listing_of(a_raw_listing(), deduplicated_at=NOON)

    await ledger.claim(listing, "raw-1")
    claimed.set()
    await asyncio.sleep(0)

    assert ready == [(listing, False)]


async def test_a_restart_forgets_no_listing(database: Database) -> None:
    await DedupProcess(database)(a_raw_listing())

    assert await DedupProcess(database)(a_raw_listing()) == ()


async def test_killed_between_claim_and_confirm_the_same_listing_is_published_again(database: Database) -> None:
    raw = a_raw_listing(opens_at=NOON + timedelta(hours=1), occurrence=2, late=True)
    first = await DedupProcess(database)(raw)
    process = DedupProcess(database)

    assert await process(raw) == first
    assert (process.count("republished"), process.count("listings")) == (1, None)


async def test_a_redelivery_in_one_process_is_published_again_too(database: Database) -> None:
    process, raw = DedupProcess(database), a_raw_listing()

    assert await process(raw) == await process(raw)


async def test_a_redelivery_after_a_duplicate_is_published_again(database: Database) -> None:
    raw = a_raw_listing()
    first = await DedupProcess(database)(raw)
    restarted = DedupProcess(database)
    await restarted(a_raw_listing())

    assert await restarted(raw) == first


async def test_forgetting_in_memory_makes_no_second_listing(database: Database) -> None:
    process = DedupProcess(database, keys_max=2)
    for number in range(10):
        await process(a_raw_listing(symbol=f"COIN{number}USDT"))

    assert [await process(a_raw_listing(symbol=f"COIN{number}USDT")) for number in range(10)] == [()] * 10


async def test_a_relisting_is_a_listing_of_its_own(database: Database) -> None:
    process = DedupProcess(database)
    await process(a_raw_listing(occurrence=1))

    assert len(await process(a_raw_listing(occurrence=2))) == 1


async def test_an_injection_does_not_shadow_the_real_listing(database: Database) -> None:
    process = DedupProcess(database)
    await process(a_raw_listing(source="test_injection"))

    assert len(await process(a_raw_listing(source="mexc_websocket"))) == 1


async def test_an_injected_listing_of_the_future_is_refused_and_not_claimed(database: Database) -> None:
    process = DedupProcess(database)
    with pytest.raises(PermanentError, match=r"^listed_at cannot be in the future$"):
        await process(a_raw_listing(listed_at=NOON + timedelta(minutes=1), source="test_injection"))

    assert len(await process(a_raw_listing(source="test_injection"))) == 1


@pytest.mark.parametrize("source", ["mexc_websocket", "mexc_rest_api"])
@pytest.mark.parametrize("ahead", [timedelta(milliseconds=1), timedelta(seconds=3), timedelta(days=1)])
async def test_a_listing_seen_by_a_machine_whose_clock_is_ahead_lives_and_is_listed_now(
    database: Database, source: str, ahead: timedelta
) -> None:
    process, seen_at = DedupProcess(database), NOON + ahead
    raw = a_raw_listing(listed_at=seen_at, observed_at=seen_at, published_at=seen_at, source=source)

    [listing] = await process(raw)

    assert (listing.listed_at, listing.observed_at) == (NOON, seen_at)
    assert process.skew.seconds() == ahead.total_seconds()
    assert bool(process.skew.concern()) is (ahead > timedelta(seconds=2))
    assert await process(raw) == (listing,)


async def test_a_skew_is_forgotten_once_sightings_come_that_know_the_time(database: Database) -> None:
    process = DedupProcess(database)
    await process(a_raw_listing(published_at=NOON + timedelta(seconds=3)))
    assert process.skew.concern() == "clock: sightings are stamped more than 2 s ahead of this machine's clock"

    for _ in range(5):
        await process(a_raw_listing(published_at=NOON))
    await process(a_raw_listing(published_at=NOON + timedelta(hours=1), source="test_injection"))

    assert (process.skew.concern(), process.skew.seconds()) == ("", 0)


async def test_what_the_ledger_cannot_hold_is_refused_for_good(database: Database) -> None:
    with pytest.raises(PermanentError, match="too long"):
        await DedupProcess(database)(a_raw_listing(id="x" * 65))
    with pytest.raises(PermanentError, match="Unicode"):
        await DedupProcess(database)(a_raw_listing(base_asset="A\0B"))


async def test_a_known_duplicate_waits_for_the_database_so_that_it_is_kept(database: Database) -> None:
    process = DedupProcess(database)
    await process(a_raw_listing(id="first"))
    await database.pool.close()
    second = next(other for other in map(str, count()) if fingerprint(other) != fingerprint("first"))

    with pytest.raises(TransientError):
        await process(a_raw_listing(id=second))
    assert process.count("duplicates") is None


async def test_a_new_listing_waits_for_the_database(database: Database) -> None:
    process = DedupProcess(database)
    await database.pool.close()

    with pytest.raises(TransientError):
        await process(a_raw_listing())


async def test_listings_and_duplicates_are_counted_by_source(database: Database) -> None:
    process = DedupProcess(database)
    for source in (Source.MEXC_WEBSOCKET, Source.MEXC_REST_API, Source.MEXC_REST_API):
        await process(a_raw_listing(source=source))

    assert process.count("listings", Source.MEXC_WEBSOCKET) == 1
    assert process.count("duplicates", Source.MEXC_REST_API) == 2
