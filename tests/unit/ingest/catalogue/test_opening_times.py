"""Opening times: the source believed, the report of a move, and the time it is stored."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingest.catalogue import Catalogue, SymbolState, Thresholds
from ingest.catalogue.openings import OpeningSource, OpeningTimes
from tests.support.data.builders import NOON
from tests.support.data.evidence import (
    OLD,
    REST,
    a_record,
    after_first_start,
    after_restart,
    announced,
    at,
    names,
    opening,
    snapshot,
    stored,
    ticks,
    told,
)


def test_opening_that_moves_is_told_once_as_the_same_listing(listed: Catalogue) -> None:
    result = listed.observe(snapshot(*OLD, opening(7200), after=10))

    assert told(result) == [7200]
    [moved] = result.rescheduled
    assert (moved.record.symbol, moved.record.occurrence, moved.source, moved.observed_at) == (
        "ABCUSDT",
        1,
        REST,
        at(10),
    )
    assert result.sightings == ()
    assert told(listed.observe(snapshot(*OLD, opening(7200), after=20))) == []


def test_move_is_stored_only_when_it_is_safe(listed: Catalogue) -> None:
    result = listed.observe(snapshot(*OLD, opening(7200), after=10))

    assert [record.opens_at for record in result.records] == [at(3600)]
    assert [record.opens_at for record in stored(listed, result.rescheduled)] == [at(7200)]


def test_later_move_that_is_safe_makes_the_earlier_one_safe_too(listed: Catalogue) -> None:
    first = listed.observe(snapshot(*OLD, opening(7200), after=10))
    second = listed.observe(snapshot(*OLD, opening(9000), after=20))

    assert [record.opens_at for record in stored(listed, first.rescheduled)] == [at(3600)]
    assert [record.opens_at for record in stored(listed, second.rescheduled)] == [at(9000)]


def test_move_that_was_never_published_is_told_after_a_restart(listed: Catalogue) -> None:
    [record] = listed.observe(snapshot(*OLD, opening(7200), after=10)).records

    assert told(after_restart(record).observe(snapshot(*OLD, opening(7200), after=20))) == [7200]


def test_move_during_a_downtime_is_told_after_it() -> None:
    record = a_record("ABCUSDT", SymbolState.LISTED, opens_at=at(3600), published=True)

    assert told(after_restart(record).observe(snapshot(*OLD, opening(7200)))) == [7200]


def test_calendar_moves_an_opening_too(listed: Catalogue) -> None:
    assert told(listed.observe(announced("ABCUSDT", 3600))) == []

    result = listed.observe(announced("ABCUSDT", 7200, after=10))

    assert told(result) == [7200]
    assert told(listed.observe(snapshot(*OLD, opening(3600), after=20))) == []


def test_calendar_that_merely_disagrees_changes_nothing(listed: Catalogue) -> None:
    for second in range(10):
        assert told(listed.observe(announced("ABCUSDT", 5000, after=second))) == []
        assert told(listed.observe(snapshot(*OLD, opening(3600), after=second))) == []


def test_snapshot_overrides_the_calendar_that_spoke_first() -> None:
    catalogue = after_first_start()
    catalogue.observe(announced("ABCUSDT", 5000))

    [sighting] = catalogue.observe(snapshot(*OLD, opening(3600))).sightings

    assert sighting.record.opens_at == at(3600)
    assert told(catalogue.observe(announced("ABCUSDT", 5000, after=10))) == []


def test_calendar_is_believed_where_the_snapshot_names_no_time() -> None:
    catalogue = after_first_start()
    catalogue.observe(snapshot(*OLD, opening(None)))

    assert told(catalogue.observe(announced("ABCUSDT", 3600, after=1))) == [3600]
    assert told(catalogue.observe(snapshot(*OLD, opening(None), after=2))) == []


def test_after_a_restart_the_calendar_waits_for_the_snapshot() -> None:
    catalogue = after_restart(a_record("ABCUSDT", SymbolState.LISTED, opens_at=at(3600), published=True))

    assert told(catalogue.observe(announced("ABCUSDT", 7200))) == []
    assert told(catalogue.observe(snapshot(*OLD, opening(None), after=1))) == []
    assert told(catalogue.observe(announced("ABCUSDT", 7200, after=2))) == [7200]


def after_restart_with_a_moved_opening(**overrides: Any) -> Catalogue:
    """A catalogue that finds the opening of ABCUSDT moved from 3600 to 7200 seconds."""
    moved = {"opens_at": at(7200), "opens_moved_from": at(3600), "published": True}
    return after_restart(a_record("ABCUSDT", **{"state": SymbolState.LISTED, **moved, **overrides}))


def test_time_that_an_opening_was_moved_from_before_a_restart_moves_nothing_back() -> None:
    catalogue = after_restart_with_a_moved_opening()

    for second in range(20):
        assert told(catalogue.observe(snapshot(*OLD, opening(3600), after=2 * second))) == []
        assert told(catalogue.observe(announced("ABCUSDT", 7200, after=2 * second + 1))) == []

    assert [(each.symbol, each.opens_at) for each in catalogue.upcoming(at(60))] == [("ABCUSDT", at(7200))]


def test_moved_opening_moves_on_after_a_restart_by_a_change_of_either_source() -> None:
    catalogue = after_restart_with_a_moved_opening()
    catalogue.observe(snapshot(*OLD, opening(3600)))
    catalogue.observe(announced("ABCUSDT", 7200))

    assert told(catalogue.observe(announced("ABCUSDT", 9000, after=1))) == [9000]
    assert told(catalogue.observe(snapshot(*OLD, opening(8000), after=2))) == [8000]


def test_other_time_than_the_one_moved_from_is_told_after_a_restart() -> None:
    assert told(after_restart_with_a_moved_opening().observe(snapshot(*OLD, opening(5000)))) == [5000]


def test_calendar_that_agrees_with_the_time_moved_from_takes_the_move_back() -> None:
    catalogue = after_restart_with_a_moved_opening()
    assert told(catalogue.observe(announced("ABCUSDT", 3600))) == []
    assert told(catalogue.observe(snapshot(*OLD, opening(3600), after=1))) == []

    assert told(catalogue.observe(announced("ABCUSDT", 3600, after=2))) == [3600]


def test_snapshot_overrides_a_moved_announcement_after_a_restart_too() -> None:
    catalogue = after_restart_with_a_moved_opening(state=SymbolState.ANNOUNCED)

    [sighting] = catalogue.observe(snapshot(*OLD, opening(3600))).sightings

    assert sighting.record.opens_at == at(3600)


def test_announced_opening_that_moves_is_stored_and_not_told() -> None:
    catalogue = after_first_start()
    catalogue.observe(announced("ABCUSDT", 3600))

    result = catalogue.observe(announced("ABCUSDT", 7200))

    assert result.rescheduled == ()
    assert [record.opens_at for record in result.records] == [at(7200)]


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

    assert sum(len(each) for each in moves) == Thresholds().moves_max


def test_symbol_seen_to_trade_that_is_then_said_to_open_later_is_listed_again() -> None:
    catalogue = after_first_start()
    [sighting] = catalogue.observe(ticks("ABCUSDT")).sightings
    catalogue.observe(names(*OLD, "ABCUSDT"))

    result = catalogue.observe(snapshot(*OLD, opening(3600), after=1))

    assert sighting.record.state is SymbolState.TRADABLE
    assert told(result) == [3600]
    assert [each.symbol for each in catalogue.upcoming(at(1))] == ["ABCUSDT"]


def test_source_that_has_yet_to_report_the_symbol_tells_the_opening_with_its_sighting() -> None:
    catalogue = after_first_start()
    catalogue.observe(ticks("ABCUSDT"))

    result = catalogue.observe(snapshot(*OLD, opening(3600), after=1))

    assert result.rescheduled == ()
    assert [each.record.opens_at for each in result.sightings] == [at(3600)]


def test_opening_that_has_passed_when_it_is_first_named_is_no_news() -> None:
    catalogue = after_first_start()
    catalogue.observe(names(*OLD, "ABCUSDT"))

    assert told(catalogue.observe(snapshot(*OLD, opening(-1), after=1))) == []


def test_opening_of_the_baseline_was_never_told_and_neither_are_its_moves() -> None:
    catalogue = after_first_start(opening(3600))

    result = catalogue.observe(snapshot(*OLD, opening(7200)))

    assert result.rescheduled == ()
    assert [record.opens_at for record in result.records] == [at(7200)]


TIMES = st.integers(0, 5).map(lambda number: NOON + timedelta(hours=number))


@given(st.lists(st.tuples(st.sampled_from(OpeningSource), TIMES), max_size=60))
def test_repeating_what_was_said_last_never_moves_an_opening(words: list[tuple[OpeningSource, datetime]]) -> None:
    openings = OpeningTimes(Thresholds())
    current: datetime | None = None
    for teller, time in words:
        current = openings.resolve("ABCUSDT", teller, time, current)
    last = dict(words)

    # Even a time that has to be repeated is believed after so many repetitions; from then on nothing moves.
    for _ in range(Thresholds().gone_reads):
        for teller, time in last.items():
            current = openings.resolve("ABCUSDT", teller, time, current)
    for teller, time in last.items():
        assert openings.resolve("ABCUSDT", teller, time, current) == current
