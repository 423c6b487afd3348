"""Flapping caches, broken answers, pauses and odd names, and a catalogue in a real database that lists none of them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from itertools import permutations

import pytest
from prometheus_client import CollectorRegistry

from ingest.catalogue import Catalogue, Thresholds
from ingest.detector import Detector
from ingest.filters import Filters
from ingest.health.anomalies import AnomalyMonitor, ListingDrought
from ingest.health.feed_health import FeedHealth
from ingest.metrics import Metrics
from ingest.output import symbol_store
from ingest.output.publisher import publishing
from ingest.output.symbol_recorder import recording
from ingest.settings import IngestSettings
from ingest.source import Report, SourceEvent
from shared.events import Source
from shared.postgres.database import Database
from shared.process.heartbeat import Component
from tests.support.data.builders import NOON, a_symbol_info
from tests.support.data.evidence import OLD, after_first_start, announced, first_trade, names, snapshot, ticks
from tests.support.running.ingests import Outbox, stored
from tests.support.running.services import open_database

THOUSANDS = tuple(f"COIN{number}USDT" for number in range(2558))
SETTINGS = IngestSettings()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@asynccontextmanager
async def watching(database: Database, outbox: Outbox) -> AsyncIterator[Report]:
    """Take evidence in for the time of the block as ingest does, from what the database holds at its beginning."""
    registry = CollectorRegistry()
    metrics = Metrics(registry, FeedHealth())
    catalogue = Catalogue(
        await symbol_store.load(database), Thresholds(), Filters(SETTINGS.quote_assets, SETTINGS.name_pattern)
    )
    outlook = AnomalyMonitor(catalogue, ListingDrought(timedelta(hours=72), NOON), registry)
    async with (
        recording(partial(symbol_store.store, database), flush_seconds=5) as recorder,
        publishing(outbox, metrics, 100, drain_seconds=5) as publisher,
    ):
        yield Detector(catalogue, publisher, recorder, Component("ingest"), outlook).report


async def take(report: Report, *evidence: SourceEvent) -> list[bool]:
    return [await report(each) for each in evidence]


def listings(outbox: Outbox) -> list[tuple[str, int, Source]]:
    return [(each.symbol, each.occurrence, each.source) for each in outbox.sightings]


async def first_start(database: Database, outbox: Outbox, *symbols: str) -> None:
    async with watching(database, outbox) as report:
        await take(report, ticks(*symbols), names(*symbols), snapshot(*symbols))


def test_order_of_arrival_invents_nothing() -> None:
    """Row 20: evidence out of order and interleaved."""
    evidence: tuple[SourceEvent, ...] = (
        announced("ABCUSDT", 30, after=1),
        snapshot(*OLD, a_symbol_info("ABCUSDT", first_open_time=NOON + timedelta(seconds=30)), after=2),
        names(*OLD, after=3),
        first_trade("ABCUSDT", after=30),
        ticks("ABCUSDT", after=31),
        names(*OLD, "ABCUSDT", after=32),
    )
    for arrival in permutations(evidence):
        catalogue = after_first_start()
        sightings = [sighting for each in arrival for sighting in catalogue.observe(each).sightings]

        assert {(each.record.symbol, each.record.occurrence) for each in sightings} == {("ABCUSDT", 1)}
        assert {each.source for each in sightings} == {Source.MEXC_WEBSOCKET, Source.MEXC_REST_API}
        assert len(sightings) == 2
        assert catalogue.upcoming(NOON + timedelta(seconds=32)) == []


async def test_empty_and_shrunken_answers_delist_nothing_and_relist_nothing(database: Database, outbox: Outbox) -> None:
    """Row 49: nothing at all, then 405 of 2558 for an hour, then everything again."""
    await first_start(database, outbox, *THOUSANDS)
    async with watching(database, outbox) as report:
        assert await take(report, snapshot(*THOUSANDS), snapshot(), names(), snapshot()) == [True, False, False, False]
        few = [snapshot(*THOUSANDS[:405], after=10 * number) for number in range(360)]
        assert (await take(report, *few))[:2] == [False, True]
        await take(report, snapshot(*THOUSANDS, after=3600), names(*THOUSANDS, after=3601))

    assert outbox.sightings == []
    assert {row["state"] for row in (await stored(database)).values()} == {"tradable"}


async def test_first_boot_and_lost_baseline_take_everything_for_old(database: Database, outbox: Outbox) -> None:
    """Row 50: the first start of all, a second, and one with the table wiped."""
    await first_start(database, outbox, *THOUSANDS)
    assert len(await stored(database)) == len(THOUSANDS)
    await first_start(database, outbox, *THOUSANDS)
    async with database.connection() as connection:
        await connection.execute("DELETE FROM symbols")
    await first_start(database, outbox, *THOUSANDS)

    assert outbox.sightings == []
    assert len(await stored(database)) == len(THOUSANDS)


async def test_nothing_is_new_before_the_baseline_is_confirmed_by_both_lists(
    database: Database, outbox: Outbox
) -> None:
    """Row 50: a first snapshot that lacks most of the names is no baseline, whatever comes before the next."""
    async with watching(database, outbox) as report:
        assert await take(report, names(*THOUSANDS), snapshot(*THOUSANDS[:405])) == [True, False]
        await take(report, ticks("ABCUSDT"), names(*THOUSANDS, "ABCUSDT"), snapshot(*THOUSANDS))

    assert outbox.sightings == []
    assert "ABCUSDT" in await stored(database)


async def test_old_and_new_caches_that_take_turns_list_a_symbol_once(database: Database, outbox: Outbox) -> None:
    """Row 51: every other answer comes from a node that does not know the symbol yet, across a restart."""
    await first_start(database, outbox, *OLD)
    for start in (0, 2000):
        async with watching(database, outbox) as report:
            for second in range(start, start + 2000, 20):
                await take(report, snapshot(*OLD, "ABCUSDT", after=second), snapshot(*OLD, after=second + 10))
                await take(report, names(*OLD, after=second), names(*OLD, "ABCUSDT", after=second + 10))

    assert listings(outbox) == [("ABCUSDT", 1, Source.MEXC_REST_API)]


async def test_relist_after_a_confirmed_absence_is_one_new_listing(database: Database, outbox: Outbox) -> None:
    """Row 52: delisted and listed again, with a restart at every turn."""
    await first_start(database, outbox, *OLD)
    without = OLD[1:]
    for start in (0, 1000):
        async with watching(database, outbox) as report:
            await take(report, *(snapshot(*without, after=start + 150 * number) for number in range(5)))
    assert (await stored(database))[OLD[0]]["state"] == "gone"
    for start in (2000, 2100):
        async with watching(database, outbox) as report:
            await take(report, names(*OLD, after=start), snapshot(*OLD, after=start + 1), ticks(*OLD, after=start + 2))

    assert listings(outbox) == [(OLD[0], 2, Source.MEXC_REST_API), (OLD[0], 2, Source.MEXC_WEBSOCKET)]
    row = (await stored(database))[OLD[0]]
    assert (row["state"], row["occurrence"], row["published"], row["gone_since"]) == ("tradable", 2, True, None)


async def test_absence_that_is_not_confirmed_is_no_relist(database: Database, outbox: Outbox) -> None:
    """Row 52: gone for nine minutes, or for four answers."""
    await first_start(database, outbox, *OLD)
    async with watching(database, outbox) as report:
        await take(report, *(snapshot(*OLD[1:], after=second) for second in range(540)))
        await take(report, snapshot(*OLD, after=540))
        await take(report, *(snapshot(*OLD[1:], after=541 + 3600 * number) for number in range(4)))
        await take(report, snapshot(*OLD, after=20_000))

    assert outbox.sightings == []


async def test_pause_and_resume_a_hundred_times_is_no_listing(database: Database, outbox: Outbox) -> None:
    """Row 53: by its status, its flags, and its place among the names, across restarts."""
    await first_start(database, outbox, *OLD)
    pauses = [
        a_symbol_info(OLD[0], status="2"),
        a_symbol_info(OLD[0], api_allowed=False),
        a_symbol_info(OLD[0], trade_side_type=4),
    ]
    for flips in (range(50), range(50, 100)):
        async with watching(database, outbox) as report:
            for number in flips:
                paused = pauses[number % 3]
                await take(report, snapshot(*OLD[1:], paused, after=20 * number), names(*OLD[1:], after=20 * number))
                if number < flips[-1]:
                    await take(report, snapshot(*OLD, after=20 * number + 10), names(*OLD, after=20 * number + 10))
        assert (await stored(database))[OLD[0]]["state"] == "suspended"

    assert outbox.sightings == []


async def test_odd_symbols_are_kept_and_told_and_never_traded(database: Database, outbox: Outbox) -> None:
    """Row 55: unicode, lookalikes, leveraged and stock tokens, test pairs, unknown quotes."""
    odd = ("BTC3LUSDT", "ETHDOWNUSDT", "TSLAXUSDT", "TESTUSDT", "ABCXYZ", "ABC_USDT", "abcusdt", "ВТСUSDT")
    plain = ("ABCUSDT", "币安人生USDT")
    unspeakable = ("ABC-USDT", "A" * 40, "🚀USDT")
    await first_start(database, outbox, *OLD)
    async with watching(database, outbox) as report:
        await take(report, names(*OLD, *odd, *plain, *unspeakable, "\0USDT", "A" * 41, after=1))

    told = {each.symbol: each.tradable for each in outbox.sightings}
    assert told == dict.fromkeys(odd, False) | dict.fromkeys(plain, True)
    assert all(each.not_tradable_reason for each in outbox.sightings if not each.tradable)
    assert set(await stored(database)) == {*OLD, *odd, *plain, *unspeakable}
    letters = [json.loads(message.body) for message in outbox.published if message.exchange == "sniper.dead"]
    assert {letter["data"]["symbol"] for letter in letters} == {*unspeakable, "\0USDT", "A" * 41}
