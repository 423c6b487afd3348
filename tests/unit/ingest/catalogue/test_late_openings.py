"""A symbol that opens later than announced: the first sign of trading is reported as its opening."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from ingest.catalogue import Catalogue, SymbolState
from ingest.source import SourceEvent
from tests.support.data.builders import a_symbol_info
from tests.support.data.evidence import (
    OLD,
    a_record,
    after_first_start,
    after_restart,
    announced,
    at,
    first_trade,
    names,
    opening,
    seen,
    snapshot,
    stored,
    ticks,
    told,
    watch,
)


def tick(after: float) -> SourceEvent:
    return ticks(*OLD, "ABCUSDT", after=after, price=Decimal(2))


def deal(after: float) -> SourceEvent:
    return first_trade("ABCUSDT", after=after)


@pytest.fixture
def reported(listed: Catalogue) -> Catalogue:
    """ABCUSDT, reported by both sources, is tradable by its name when its time comes."""
    stored(listed, listed.observe(ticks("ABCUSDT", after=1, price=Decimal(1))).sightings)
    stored(listed, listed.observe(names(*OLD, "ABCUSDT", after=2)).sightings)
    listed.observe(names(*OLD, "ABCUSDT", after=3600))
    watch(listed, until=3670)
    return listed


def test_symbol_that_opens_70_s_later_than_it_said_is_told_by_its_first_deal(reported: Catalogue) -> None:
    result = reported.observe(deal(3670))

    assert told(result) == [3670]
    assert (result.rescheduled[0].observed_at, result.rescheduled[0].late) == (at(3670), False)


def test_symbol_that_opens_late_is_told_by_a_ticker_that_shows_more_than_before(reported: Catalogue) -> None:
    assert told(reported.observe(ticks("ABCUSDT", after=3668, price=Decimal(1)))) == []
    assert told(reported.observe(ticks("ABCUSDT", after=3670, price=Decimal("1.1")))) == [3670]


def test_symbol_that_opens_late_is_told_by_its_first_ticker(listed: Catalogue) -> None:
    watch(listed, until=3670)

    result = listed.observe(tick(3670))

    assert [sighting.record.opens_at for sighting in result.sightings] == [at(3670)]


def test_symbol_is_followed_past_its_opening_for_as_long_as_it_does_not_trade(reported: Catalogue) -> None:
    assert [each.symbol for each in reported.upcoming(at(3669))] == ["ABCUSDT"]
    reported.observe(deal(3670))
    assert reported.upcoming(at(3670)) == []


def test_late_opening_is_told_once(reported: Catalogue) -> None:
    reported.observe(deal(3670))

    for event in (deal(3671), tick(3672), snapshot(*OLD, opening(3600), after=3673), deal(3680)):
        assert told(reported.observe(event)) == []


@pytest.mark.parametrize("sign", [deal, tick])
def test_listing_without_an_opening_is_told_to_open_when_it_first_trades(sign: Callable[[float], SourceEvent]) -> None:
    catalogue = after_first_start()
    stored(catalogue, catalogue.observe(names(*OLD, "ABCUSDT", after=1)).sightings)
    watch(catalogue, until=300)

    [sighting] = catalogue.observe(sign(300)).sightings

    assert sighting.record.opens_at == at(300)


def test_listing_that_trades_at_once_is_told_no_opening() -> None:
    catalogue = after_first_start()
    catalogue.observe(names(*OLD, "ABCUSDT", after=1))
    watch(catalogue, until=5)

    [sighting] = catalogue.observe(tick(5)).sightings

    assert sighting.record.opens_at is None


@pytest.mark.parametrize("sign", [deal, tick])
def test_first_sign_behind_a_gap_stands_for_no_later_moment_than_the_gap_began(
    reported: Catalogue, sign: Callable[[float], SourceEvent]
) -> None:
    watch(reported, until=3700)
    # Nothing came for five minutes: it may trade since 3699.
    result = reported.observe(sign(4000))

    assert told(result) == [3699]


def test_first_sign_after_a_restart_does_not_make_an_opening_of_long_ago_a_new_one() -> None:
    waits = a_record("ABCUSDT", SymbolState.LISTED, opens_at=at(-1000), published=True)
    catalogue = after_restart(waits)
    catalogue.observe(ticks(*OLD, after=1))

    result = catalogue.observe(first_trade("ABCUSDT", after=2))

    assert (told(result), result.sightings) == ([], ())
    assert [record.trading_since for record in result.records] == [at(2)]


def test_opening_that_comes_after_a_restart_is_told_once_the_tickers_were_watched_without_it() -> None:
    waits = a_record("ABCUSDT", SymbolState.LISTED, opens_at=at(-10), published=True)
    catalogue = after_restart(waits)
    for second in (1, 6, 11):
        catalogue.observe(ticks(*OLD, after=second))

    assert told(catalogue.observe(deal(15))) == [15]


def test_trade_is_not_stored_before_the_news_of_the_opening_is_safe(reported: Catalogue) -> None:
    result = reported.observe(deal(3670))
    later = reported.observe(names(*OLD, after=3680))  # The name is gone, which is stored.

    before = [record for record in (*result.records, *later.records) if record.symbol == "ABCUSDT"]
    [after] = stored(reported, result.rescheduled)

    assert {(record.opens_at, record.trading_since) for record in before} == {(at(3600), None)}
    assert (after.opens_at, after.trading_since) == (at(3670), at(3670))


def test_killed_between_the_news_and_its_record_ingest_tells_no_second_opening(reported: Catalogue) -> None:
    result = reported.observe(deal(3670))
    [waits] = [record for record in result.records if record.symbol == "ABCUSDT"]

    restarted = after_restart(waits)
    restarted.observe(ticks(*OLD, after=3674))
    again = restarted.observe(deal(3675))

    assert (told(again), again.sightings) == ([], ())


def test_exchange_that_names_a_later_opening_is_believed_over_a_ticker_but_not_over_a_deal() -> None:
    for sign, moved in ((tick, [9000]), (deal, [])):
        catalogue = after_first_start()
        stored(catalogue, catalogue.observe(names(*OLD, "ABCUSDT", after=1)).sightings)
        watch(catalogue, until=300)
        stored(catalogue, catalogue.observe(sign(300)).sightings)
        stored(catalogue, catalogue.observe(snapshot(*OLD, opening(None), after=301)).sightings)

        assert told(catalogue.observe(snapshot(*OLD, opening(9000), after=302))) == moved


def test_symbol_that_appears_two_years_after_its_opening_is_late() -> None:
    catalogue = after_first_start()
    years_ago = a_symbol_info("ABCUSDT", first_open_time=at(-2 * 365 * 86_400))

    result = catalogue.observe(snapshot(*OLD, years_ago, after=1))

    assert [(sighting.record.symbol, sighting.late) for sighting in result.sightings] == [("ABCUSDT", True)]


def test_symbol_that_was_announced_and_appears_long_after_its_opening_is_late_in_a_ticker_too() -> None:
    catalogue = after_first_start()
    catalogue.observe(announced("ABCUSDT", 60))
    watch(catalogue, until=3600)

    assert [sighting.late for sighting in catalogue.observe(tick(3600)).sightings] == [True]


@pytest.mark.parametrize("opened", [-119, 0, 60, 3600, None])
def test_symbol_that_appears_about_its_opening_or_before_is_not_late(opened: float | None) -> None:
    catalogue = after_first_start()

    result = catalogue.observe(snapshot(*OLD, opening(opened)))

    assert (seen(result)[0][0], result.sightings[0].late) == ("ABCUSDT", False)
