"""Evidence that a symbol trades, and of its first trade for its opening."""

from decimal import Decimal

import pytest

from ingest.catalogue import Catalogue, SymbolState
from tests.support.data.builders import NOON, a_symbol_info
from tests.support.data.evidence import (
    OLD,
    WEBSOCKET,
    after_first_start,
    announced,
    at,
    first_trade,
    names,
    opening,
    seen,
    snapshot,
    states,
    stored,
    ticks,
    told,
    watch,
)

DAY = 24 * 3600


def test_passing_of_the_opening_makes_it_tradable_and_tells_nothing(listed: Catalogue) -> None:
    before = listed.observe(names(*OLD, "ABCUSDT", after=3599))
    after = listed.observe(names(*OLD, "ABCUSDT", after=3600))

    assert (states(before.records), states(after.records)) == ({}, {"ABCUSDT": SymbolState.TRADABLE})
    assert after.rescheduled == after.sightings == ()


def test_opening_that_passed_without_a_trade_may_still_move(listed: Catalogue) -> None:
    listed.observe(snapshot(*OLD, opening(3600), after=3700))

    assert told(listed.observe(snapshot(*OLD, opening(7200), after=3710))) == [7200]


def test_first_trade_long_before_the_opening_is_told_as_the_opening(listed: Catalogue) -> None:
    listed.observe(ticks("ABCUSDT", after=1))
    watch(listed, until=60)

    result = listed.observe(first_trade("ABCUSDT", after=60))

    assert told(result) == [60]
    assert result.rescheduled[0].source is WEBSOCKET
    assert listed.upcoming(at(60)) == []
    assert told(listed.observe(snapshot(*OLD, opening(3600), after=70))) == []


def test_first_trade_of_a_source_that_has_not_reported_yet_tells_both_at_once(listed: Catalogue) -> None:
    watch(listed, until=60)

    result = listed.observe(first_trade("ABCUSDT", after=60))

    assert seen(result) == [("ABCUSDT", WEBSOCKET)]
    assert result.sightings[0].record.opens_at == at(60)
    assert result.rescheduled == ()


@pytest.mark.parametrize("second", [3591, 3595, 3600, 3610])
def test_first_trade_about_the_opening_moves_nothing(listed: Catalogue, second: float) -> None:
    watch(listed, until=second)

    result = listed.observe(first_trade("ABCUSDT", after=second))

    assert result.sightings[0].record.opens_at == at(3600)
    assert listed.upcoming(at(second)) == []


def test_first_trade_of_a_symbol_whose_opening_nobody_named_is_told_as_the_opening() -> None:
    catalogue = after_first_start()
    shut = a_symbol_info("ABCUSDT", api_allowed=False)
    stored(catalogue, catalogue.observe(snapshot(*OLD, shut)).sightings)
    watch(catalogue, until=60)

    [sighting] = catalogue.observe(first_trade("ABCUSDT", after=60)).sightings

    assert sighting.record.opens_at == at(60)


def test_snapshot_from_before_the_first_tick_does_not_make_it_wait_again() -> None:
    catalogue = after_first_start()
    catalogue.observe(ticks("ABCUSDT", after=31))

    assert told(catalogue.observe(snapshot(*OLD, opening(30), after=2))) == []
    assert catalogue.upcoming(at(31)) == []


def test_symbol_that_was_seen_to_trade_does_not_open_later_whoever_says_so() -> None:
    catalogue = after_first_start()
    catalogue.observe(ticks("ABCUSDT", after=1))
    catalogue.observe(first_trade("ABCUSDT", after=2))

    assert told(catalogue.observe(announced("ABCUSDT", 3600, after=3))) == []
    assert told(catalogue.observe(snapshot(*OLD, opening(3600), after=4))) == []
    assert catalogue.upcoming(at(4)) == []


def test_ticks_before_the_opening_do_not_say_that_it_trades_nor_does_the_same_behind_it(listed: Catalogue) -> None:
    listed.observe(ticks("ABCUSDT", after=60, price=Decimal(1)))
    assert [each.symbol for each in listed.upcoming(at(60))] == ["ABCUSDT"]

    listed.observe(ticks("ABCUSDT", after=3601, price=Decimal(1)))
    assert [each.symbol for each in listed.upcoming(at(3601))] == ["ABCUSDT"]

    listed.observe(ticks("ABCUSDT", after=3604, price=Decimal(2)))
    assert listed.upcoming(at(3604)) == []


def test_upcoming_are_sorted_by_their_opening_and_given_up_after_a_day() -> None:
    catalogue = after_first_start()
    shut = a_symbol_info("LATERUSDT", api_allowed=False)
    catalogue.observe(announced("THIRDUSDT", 3 * 3600))
    catalogue.observe(announced("FIRSTUSDT", 3600))
    catalogue.observe(snapshot(*OLD, shut))

    assert [each.symbol for each in catalogue.upcoming(NOON)] == ["FIRSTUSDT", "THIRDUSDT", "LATERUSDT"]
    assert [each.symbol for each in catalogue.upcoming(at(25 * 3600))] == ["THIRDUSDT"]


def test_symbol_among_the_names_for_long_trades_even_if_no_trade_was_seen() -> None:
    catalogue = after_first_start()
    catalogue.observe(names(*OLD, "ABCUSDT"))
    catalogue.observe(names(*OLD, "ABCUSDT", after=DAY + 1))

    # As of any other that trades, a new opening is no longer news.
    assert told(catalogue.observe(snapshot(*OLD, opening(-1), after=DAY + 2))) == []
    assert told(catalogue.observe(snapshot(*OLD, opening(DAY + 9000), after=DAY + 3))) == []


def test_symbol_among_the_names_that_opens_hours_later_without_a_word_is_told_to_open() -> None:
    """Being named is no proof of trading."""
    catalogue = after_first_start()
    catalogue.observe(names(*OLD, "ABCUSDT"))
    for after in range(10, 4 * 3600, 10):
        catalogue.observe(names(*OLD, "ABCUSDT", after=after))
        catalogue.observe(ticks(*OLD, after=after))

    [sighting] = catalogue.observe(first_trade("ABCUSDT", after=4 * 3600)).sightings
    assert sighting.record.opens_at == at(4 * 3600)


def test_symbol_that_was_shown_closed_and_trades_within_seconds_is_told_to_open() -> None:
    """Whoever saw it closed waits for that."""
    catalogue = after_first_start()
    for after in range(0, 31, 5):
        catalogue.observe(names(*OLD, after=after))
        catalogue.observe(ticks(*OLD, after=after))
    catalogue.observe(snapshot(*OLD, a_symbol_info("ABCUSDT", api_allowed=False), after=31))
    catalogue.observe(names(*OLD, "ABCUSDT", after=33))
    catalogue.observe(snapshot(*OLD, a_symbol_info("ABCUSDT"), after=34))
    catalogue.observe(ticks(*OLD, after=35))

    [sighting] = catalogue.observe(first_trade("ABCUSDT", after=36)).sightings
    assert sighting.record.opens_at == at(36)
