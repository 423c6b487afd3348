"""Symbols that ingest stores, and reads at its start."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from ingest.catalogue import Catalogue, SymbolRecord, SymbolState
from ingest.output import symbol_store
from shared.postgres.database import Database
from tests.support.data.builders import NOON
from tests.support.data.evidence import OLD, a_record, announced, at, names, opening, snapshot, stored, told
from tests.support.running.services import open_database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


@pytest.mark.parametrize(
    "odd",
    [
        replace(a_record("ODDUSDT"), symbol="ODD\0USDT"),
        replace(a_record("ODDUSDT"), symbol="ODD\ud800USDT"),
        replace(a_record("ODDUSDT"), symbol="A" * 41),
        replace(a_record("ODDUSDT"), occurrence=2**40),
        replace(a_record("ODDUSDT"), gone_since=NOON),
    ],
    ids=["NUL", "surrogate", "long", "overflow", "check"],
)
async def test_symbol_that_the_table_refuses_concerns_that_symbol(database: Database, odd: SymbolRecord) -> None:
    symbols = [a_record(f"COIN{number}USDT") for number in range(300)]

    await symbol_store.store(database, [*symbols[:200], odd, *symbols[200:]])

    loaded = {record.symbol for record in await symbol_store.load(database)}
    assert loaded == {record.symbol for record in symbols}


async def test_state_that_another_version_wrote_makes_no_symbol_new(database: Database) -> None:
    await symbol_store.store(database, [a_record(symbol, trading_since=NOON) for symbol in OLD])
    async with database.connection() as connection:
        await connection.execute("ALTER TABLE symbols DROP CONSTRAINT ck_symbols_state_known")
        await connection.execute("UPDATE symbols SET state = 'halted' WHERE symbol = $1", OLD[0])

    record = await symbol_store.load(database)
    catalogue = Catalogue(record)

    assert {each.symbol: each.state for each in record}[OLD[0]] is SymbolState.SUSPENDED
    for evidence in (names(*OLD), snapshot(*OLD)):
        assert catalogue.observe(evidence).sightings == ()


async def test_record_of_an_earlier_listing_never_replaces_that_of_a_later_one(database: Database) -> None:
    """Of two processes on the express way, one may have been cut off while a coin went and came back."""
    later = a_record("BACKUSDT", occurrence=2, published=True)
    stale = a_record("BACKUSDT", state=SymbolState.SUSPENDED)

    await symbol_store.store(database, [later])
    await symbol_store.store(database, [stale, a_record("OTHERUSDT")])

    loaded = {record.symbol: record for record in await symbol_store.load(database)}
    assert (loaded["BACKUSDT"], set(loaded)) == (later, {"BACKUSDT", "OTHERUSDT"})


async def test_opening_that_the_calendar_moved_stays_moved_after_a_restart(database: Database) -> None:
    await symbol_store.store(database, [a_record(symbol, trading_since=NOON) for symbol in OLD])
    await symbol_store.store(database, [a_record("ABCUSDT", SymbolState.LISTED, opens_at=at(3600), published=True)])
    catalogue = Catalogue(await symbol_store.load(database))
    catalogue.observe(snapshot(*OLD, opening(3600)))
    catalogue.observe(announced("ABCUSDT", 3600))
    moved = catalogue.observe(announced("ABCUSDT", 7200, after=10))
    await symbol_store.store(database, stored(catalogue, moved.rescheduled))

    catalogue.reset(await symbol_store.load(database))

    assert told(moved) == [7200]
    assert told(catalogue.observe(snapshot(*OLD, opening(3600), after=20))) == []
    assert [each.opens_at for each in catalogue.upcoming(at(20))] == [at(7200)]
