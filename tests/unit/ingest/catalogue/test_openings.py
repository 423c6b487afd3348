"""Opening times: who is believed, what is told of a move, and what is stored of it when."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.catalogue import Catalogue, Findings, Rules, State
from ingest.catalogue.openings import Openings, Teller
from shared.mexc.symbols import SymbolInfo
from tests.builders import NOON, a_symbol_info
from tests.evidence import (
    OLD,
    REST,
    WEBSOCKET,
    a_known,
    after_first_start,
    after_restart,
    announced,
    at,
    first_trade,
    names,
    seen,
    snapshot,
    states,
    stored,
    ticks,
)


def opening(seconds: float | None) -> SymbolInfo:
    return a_symbol_info("ABCUSDT", first_open_time=None if seconds is None else at(seconds))


def told(findings: Findings) -> list[float]:
    """When the openings that *findings* tell anew are, in seconds after noon."""
    return [(each.known.opens_at - NOON).total_seconds() for each in findings.rescheduled if each.known.opens_at]


@pytest.fixture
def listed() -> Catalogue:
    """ABCUSDT was listed and published, and opens in an hour."""
    catalogue = after_first_start()
    stored(catalogue, catalogue.observe(snapshot(*OLD, opening(3600))).sightings)
    return catalogue


def test_opening_that_moves_is_told_once_as_the_same_listing(listed: Catalogue) -> None:
    findings = listed.observe(snapshot(*OLD, opening(7200), after=10))

    assert told(findings) == [7200]
    [moved] = findings.rescheduled
    assert (moved.known.symbol, moved.known.occurrence, moved.source, moved.observed_at) == ("ABCUSDT", 1, REST, at(10))
    assert findings.sightings == ()
    assert told(listed.observe(snapshot(*OLD, opening(7200), after=20))) == []


def test_move_is_stored_only_when_it_is_safe(listed: Catalogue) -> None:
    findings = listed.observe(snapshot(*OLD, opening(7200), after=10))

    assert [known.opens_at for known in findings.records] == [at(3600)]
    assert [known.opens_at for known in stored(listed, findings.rescheduled)] == [at(7200)]


def test_later_move_that_is_safe_makes_the_earlier_one_safe_too(listed: Catalogue) -> None:
    first = listed.observe(snapshot(*OLD, opening(7200), after=10))
    second = listed.observe(snapshot(*OLD, opening(9000), after=20))

    assert [known.opens_at for known in stored(listed, first.rescheduled)] == [at(3600)]
    assert [known.opens_at for known in stored(listed, second.rescheduled)] == [at(9000)]


def test_move_that_was_never_published_is_told_after_a_restart(listed: Catalogue) -> None:
    [record] = listed.observe(snapshot(*OLD, opening(7200), after=10)).records

    assert told(after_restart(record).observe(snapshot(*OLD, opening(7200), after=20))) == [7200]


def test_move_during_a_downtime_is_told_after_it() -> None:
    known = a_known("ABCUSDT", State.LISTED, opens_at=at(3600), published=True)

    assert told(after_restart(known).observe(snapshot(*OLD, opening(7200)))) == [7200]


def test_calendar_moves_an_opening_too(listed: Catalogue) -> None:
    assert told(listed.observe(announced("ABCUSDT", 3600))) == []

    findings = listed.observe(announced("ABCUSDT", 7200, after=10))

    assert told(findings) == [7200]
    assert told(listed.observe(snapshot(*OLD, opening(3600), after=20))) == []


def test_calendar_that_merely_disagrees_changes_nothing(listed: Catalogue) -> None:
    for second in range(10):
        assert told(listed.observe(announced("ABCUSDT", 5000, after=second))) == []
        assert told(listed.observe(snapshot(*OLD, opening(3600), after=second))) == []


def test_snapshot_overrides_the_calendar_that_spoke_first() -> None:
    catalogue = after_first_start()
    catalogue.observe(announced("ABCUSDT", 5000))

    [sighting] = catalogue.observe(snapshot(*OLD, opening(3600))).sightings

    assert sighting.known.opens_at == at(3600)
    assert told(catalogue.observe(announced("ABCUSDT", 5000, after=10))) == []


def test_calendar_is_believed_where_the_snapshot_names_no_time() -> None:
    catalogue = after_first_start()
    catalogue.observe(snapshot(*OLD, opening(None)))

    assert told(catalogue.observe(announced("ABCUSDT", 3600, after=1))) == [3600]
    assert told(catalogue.observe(snapshot(*OLD, opening(None), after=2))) == []


def test_after_a_restart_the_calendar_waits_for_the_snapshot() -> None:
    catalogue = after_restart(a_known("ABCUSDT", State.LISTED, opens_at=at(3600), published=True))

    assert told(catalogue.observe(announced("ABCUSDT", 7200))) == []
    assert told(catalogue.observe(snapshot(*OLD, opening(None), after=1))) == []
    assert told(catalogue.observe(announced("ABCUSDT", 7200, after=2))) == [7200]


def test_announced_opening_that_moves_is_stored_and_not_told() -> None:
    catalogue = after_first_start()
    catalogue.observe(announced("ABCUSDT", 3600))

    findings = catalogue.observe(announced("ABCUSDT", 7200))

    assert findings.rescheduled == ()
    assert [known.opens_at for known in findings.records] == [at(7200)]


def test_old_time_out_of_a_cache_is_not_believed_until_it_is_repeated(listed: Catalogue) -> None:
    assert told(listed.observe(snapshot(*OLD, opening(7200)))) == [7200]

    for second in range(20):
        assert told(listed.observe(snapshot(*OLD, opening(3600), after=2 * second))) == []
        assert told(listed.observe(snapshot(*OLD, opening(7200), after=2 * second + 1))) == []

    assert [told(listed.observe(snapshot(*OLD, opening(3600), after=60 + n))) for n in range(5)] == [
        [], [], [], [], [3600],
    ]  # fmt: skip


def test_source_that_tells_another_time_every_time_is_no_longer_believed(listed: Catalogue) -> None:
    moves = [told(listed.observe(snapshot(*OLD, opening(4000 + number)))) for number in range(100)]

    assert sum(len(each) for each in moves) == Rules().moves_max


def test_symbol_seen_to_trade_that_is_then_said_to_open_later_is_listed_again() -> None:
    catalogue = after_first_start()
    [sighting] = catalogue.observe(ticks("ABCUSDT")).sightings
    catalogue.observe(names(*OLD, "ABCUSDT"))

    findings = catalogue.observe(snapshot(*OLD, opening(3600), after=1))

    assert sighting.known.state is State.TRADABLE
    assert told(findings) == [3600]
    assert [each.symbol for each in catalogue.upcoming(at(1))] == ["ABCUSDT"]


def test_source_that_has_yet_to_report_the_symbol_tells_the_opening_with_its_sighting() -> None:
    catalogue = after_first_start()
    catalogue.observe(ticks("ABCUSDT"))

    findings = catalogue.observe(snapshot(*OLD, opening(3600), after=1))

    assert findings.rescheduled == ()
    assert [each.known.opens_at for each in findings.sightings] == [at(3600)]


def test_opening_that_has_passed_when_it_is_first_named_is_no_news() -> None:
    catalogue = after_first_start()
    catalogue.observe(names(*OLD, "ABCUSDT"))

    assert told(catalogue.observe(snapshot(*OLD, opening(-1), after=1))) == []


def test_opening_of_the_baseline_was_never_told_and_neither_are_its_moves() -> None:
    catalogue = after_first_start(opening(3600))

    findings = catalogue.observe(snapshot(*OLD, opening(7200)))

    assert findings.rescheduled == ()
    assert [known.opens_at for known in findings.records] == [at(7200)]


def test_passing_of_the_opening_makes_it_tradable_and_tells_nothing(listed: Catalogue) -> None:
    before = listed.observe(names(*OLD, "ABCUSDT", after=3599))
    after = listed.observe(names(*OLD, "ABCUSDT", after=3600))

    assert (states(before.records), states(after.records)) == ({}, {"ABCUSDT": State.TRADABLE})
    assert after.rescheduled == after.sightings == ()


def test_opening_that_passed_without_a_trade_may_still_move(listed: Catalogue) -> None:
    listed.observe(snapshot(*OLD, opening(3600), after=3700))

    assert told(listed.observe(snapshot(*OLD, opening(7200), after=3710))) == [7200]


def test_first_trade_long_before_the_opening_is_told_as_the_opening(listed: Catalogue) -> None:
    listed.observe(ticks("ABCUSDT", after=1))

    findings = listed.observe(first_trade("ABCUSDT", after=60))

    assert told(findings) == [60]
    assert findings.rescheduled[0].source is WEBSOCKET
    assert listed.upcoming(at(60)) == []
    assert told(listed.observe(snapshot(*OLD, opening(3600), after=70))) == []


def test_first_trade_of_a_source_that_has_not_reported_yet_tells_both_at_once(listed: Catalogue) -> None:
    findings = listed.observe(first_trade("ABCUSDT", after=60))

    assert seen(findings) == [("ABCUSDT", WEBSOCKET)]
    assert findings.sightings[0].known.opens_at == at(60)
    assert findings.rescheduled == ()


@pytest.mark.parametrize("second", [3595, 3600, 3620])
def test_first_trade_about_the_opening_moves_nothing(listed: Catalogue, second: float) -> None:
    findings = listed.observe(first_trade("ABCUSDT", after=second))

    assert findings.sightings[0].known.opens_at == at(3600)
    assert listed.upcoming(at(second)) == []


def test_first_trade_of_a_symbol_whose_opening_nobody_named_is_told_as_the_opening() -> None:
    catalogue = after_first_start()
    shut = a_symbol_info("ABCUSDT", api_allowed=False)
    stored(catalogue, catalogue.observe(snapshot(*OLD, shut)).sightings)

    [sighting] = catalogue.observe(first_trade("ABCUSDT", after=60)).sightings

    assert sighting.known.opens_at == at(60)


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


def test_ticks_before_the_opening_do_not_say_that_it_trades(listed: Catalogue) -> None:
    listed.observe(ticks("ABCUSDT", after=60))
    assert [each.symbol for each in listed.upcoming(at(60))] == ["ABCUSDT"]

    listed.observe(ticks("ABCUSDT", after=3601))
    assert listed.upcoming(at(3601)) == []


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
    catalogue.observe(names(*OLD, "ABCUSDT", after=3601))

    # As of any other that trades, a new opening is no longer news.
    assert told(catalogue.observe(snapshot(*OLD, opening(-1), after=3602))) == []
    assert told(catalogue.observe(snapshot(*OLD, opening(9000), after=3603))) == []


TIMES = st.integers(0, 5).map(lambda number: NOON + timedelta(hours=number))


@given(st.lists(st.tuples(st.sampled_from(Teller), TIMES), max_size=60))
def test_repeating_what_was_said_last_never_moves_an_opening(words: list[tuple[Teller, datetime]]) -> None:
    openings = Openings(Rules())
    current: datetime | None = None
    for teller, time in words:
        current = openings.believe("ABCUSDT", teller, time, current)
    last = dict(words)

    # Even a time that has to be repeated is believed after so many repetitions; from then on nothing moves.
    for _ in range(Rules().gone_reads):
        for teller, time in last.items():
            current = openings.believe("ABCUSDT", teller, time, current)
    for teller, time in last.items():
        assert openings.believe("ABCUSDT", teller, time, current) == current
