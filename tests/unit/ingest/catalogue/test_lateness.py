"""Late sightings: a symbol that appeared unwatched may have been open for long."""

import pytest

from ingest.source import SourceEvent
from tests.support.data.builders import a_symbol_info
from tests.support.data.evidence import (
    OLD,
    REST,
    WEBSOCKET,
    a_record,
    after_first_start,
    after_restart,
    at,
    first_trade,
    names,
    seen,
    snapshot,
    ticks,
)

NEW_TO_EACH = [ticks("ABCUSDT"), first_trade("ABCUSDT"), names(*OLD, "ABCUSDT"), snapshot(*OLD, "ABCUSDT")]


@pytest.mark.parametrize("event", NEW_TO_EACH)
def test_what_appeared_while_we_were_down_is_late(event: SourceEvent) -> None:
    [sighting] = after_restart().observe(event).sightings

    assert sighting.late


@pytest.mark.parametrize("event", NEW_TO_EACH)
def test_what_appears_after_the_first_snapshot_since_the_start_is_not_late(event: SourceEvent) -> None:
    catalogue = after_restart()
    catalogue.observe(snapshot(*OLD))

    [sighting] = catalogue.observe(event).sightings

    assert not sighting.late


def test_names_alone_do_not_tell_what_appeared_while_we_were_down() -> None:
    catalogue = after_restart()
    catalogue.observe(names(*OLD))

    [sighting] = catalogue.observe(snapshot(*OLD, "ABCUSDT", after=1)).sightings

    assert sighting.late


def test_second_source_calls_a_late_symbol_late_too() -> None:
    catalogue = after_restart()
    catalogue.observe(snapshot(*OLD, "ABCUSDT"))

    [sighting] = catalogue.observe(ticks("ABCUSDT", after=1)).sightings

    assert sighting.late


def test_new_symbol_after_the_baseline_is_not_late() -> None:
    [sighting] = after_first_start().observe(snapshot(*OLD, "ABCUSDT", after=1)).sightings

    assert not sighting.late


@pytest.mark.parametrize("event", [ticks("ABCUSDT", after=60), names(*OLD, "ABCUSDT", after=60)])
def test_what_appears_first_after_all_sources_were_blind_is_late(event: SourceEvent) -> None:
    [sighting] = after_first_start().observe(event).sightings

    assert sighting.late


def test_names_that_come_back_first_leave_it_to_the_snapshot_to_catch_up() -> None:
    catalogue = after_first_start()
    catalogue.observe(names(*OLD, after=60))
    [late] = catalogue.observe(snapshot(*OLD, "ABCUSDT", after=61)).sightings
    [punctual] = catalogue.observe(ticks("XYZUSDT", after=62)).sightings

    assert late.late
    assert not punctual.late


def test_tickers_go_on_watching_while_the_lists_are_blind() -> None:
    catalogue = after_first_start()
    for second in range(5, 60, 5):
        catalogue.observe(ticks(*OLD, after=second))

    [ticked] = catalogue.observe(ticks("ABCUSDT", after=60)).sightings
    [sighting] = catalogue.observe(names(*OLD, "ABCUSDT", "XYZUSDT", after=61)).sightings[1:]

    assert not ticked.late
    assert (sighting.record.symbol, sighting.late) == ("XYZUSDT", True)


def test_lists_that_come_back_make_nothing_late_that_the_tickers_watched_for() -> None:
    catalogue = after_first_start()
    for second in range(5, 65, 5):
        catalogue.observe(ticks(*OLD, after=second))
    catalogue.observe(names(*OLD, after=61))

    [ticked] = catalogue.observe(ticks("ABCUSDT", after=62)).sightings
    [traded] = catalogue.observe(first_trade("XYZUSDT", after=63)).sightings

    assert (ticked.late, traded.late) == (False, False)


def test_tickers_that_come_back_after_the_names_leave_it_to_the_snapshot_too() -> None:
    catalogue = after_first_start()
    catalogue.observe(names(*OLD, after=60))

    [sighting] = catalogue.observe(ticks("ABCUSDT", after=61)).sightings

    assert sighting.late


def test_answers_that_are_not_believed_are_no_watch() -> None:
    catalogue = after_first_start()
    for second in range(0, 60, 5):
        catalogue.observe(names(after=second))

    [sighting] = catalogue.observe(names(*OLD, "ABCUSDT", after=60)).sightings

    assert sighting.late


def test_short_gap_makes_nothing_late() -> None:
    [sighting] = after_first_start().observe(names(*OLD, "ABCUSDT", after=15)).sightings

    assert not sighting.late


def test_relist_that_is_seen_at_once_is_not_late_though_its_first_listing_was() -> None:
    catalogue = after_restart(a_record("ABCUSDT", gone_since=None, trading_since=at(-60)))
    for number in range(6):
        catalogue.observe(snapshot(*OLD, after=number * 200))
        catalogue.observe(names(*OLD, after=number * 200))
    catalogue.observe(snapshot(*OLD, after=1010))

    result = catalogue.observe(names(*OLD, "ABCUSDT", after=1011))

    assert [(each.record.occurrence, each.late) for each in result.sightings] == [(2, False)]


def test_late_listing_keeps_its_opening() -> None:
    catalogue = after_restart()
    info = a_symbol_info("ABCUSDT", first_open_time=at(600))

    result = catalogue.observe(snapshot(*OLD, info))

    assert seen(result) == [("ABCUSDT", REST)]
    assert result.sightings[0].record.opens_at == at(600)
    assert seen(catalogue.observe(ticks("ABCUSDT", after=601))) == [("ABCUSDT", WEBSOCKET)]
