"""Answers that lack too much or bring too much are not believed at once, and never when they are empty."""

from collections.abc import Callable

import pytest

from ingest.catalogue import Catalogue, Thresholds
from ingest.catalogue.plausibility.quarantine import Quarantine
from ingest.source import SourceEvent
from ingest.stepwise import run_to_end
from tests.support.data.evidence import (
    OLD,
    REST,
    WEBSOCKET,
    a_record,
    after_first_start,
    names,
    seen,
    snapshot,
    stored,
    ticks,
)

HUNDRED = frozenset(f"{number}USDT" for number in range(100))
CROWD = tuple(f"CROWD{number}USDT" for number in range(51))

Show = Callable[..., SourceEvent]
both_lists = pytest.mark.parametrize("show", [names, snapshot])


@pytest.mark.parametrize(
    ("shown", "new_count", "reason"),
    [
        (HUNDRED, 0, ""),
        (frozenset(sorted(HUNDRED)[10:]), 0, ""),
        (frozenset(sorted(HUNDRED)[11:]), 0, "shrunken: 11 of 100 symbols missing"),
        (HUNDRED, 50, ""),
        (HUNDRED, 51, "swollen: 51 symbols new at once"),
        (frozenset(), 0, "empty: not a single symbol"),
    ],
)
def test_list_is_doubted_for_what_it_lacks_or_brings(shown: frozenset[str], new_count: int, reason: str) -> None:
    assert run_to_end(Quarantine(Thresholds(), HUNDRED).rejection(shown, new_count)) == reason


def test_list_is_compared_with_the_last_that_was_believed() -> None:
    quarantine = Quarantine(Thresholds(), HUNDRED)
    fewer = frozenset(sorted(HUNDRED)[10:])
    run_to_end(quarantine.rejection(fewer, 0))

    assert run_to_end(quarantine.rejection(frozenset(sorted(HUNDRED)[19:]), 0)) == ""


@both_lists
def test_two_shrunken_answers_that_agree_are_believed(show: Show) -> None:
    catalogue = after_first_start()

    assert not catalogue.observe(show(*OLD[:10])).accepted
    assert catalogue.observe(show(*OLD[:10])).accepted
    assert catalogue.observe(show(*OLD)).sightings == ()


@both_lists
def test_two_swollen_answers_that_agree_are_believed_and_all_that_is_new_is_published(show: Show) -> None:
    catalogue = after_first_start()

    first = catalogue.observe(show(*OLD, *CROWD))
    second = catalogue.observe(show(*OLD, *CROWD))

    assert (first.accepted, first.sightings) == (False, ())
    assert second.accepted
    assert seen(second) == [(symbol, REST) for symbol in sorted(CROWD)]


@both_lists
def test_two_doubtful_answers_that_differ_are_not_believed(show: Show) -> None:
    catalogue = after_first_start()

    for last in range(4):
        result = catalogue.observe(show(*OLD, *CROWD, f"X{last}USDT"))
        assert (result.accepted, result.sightings) == (False, ())


@both_lists
def test_answer_in_between_breaks_the_agreement(show: Show) -> None:
    catalogue = after_first_start()
    catalogue.observe(show(*OLD[:10]))
    catalogue.observe(show(*OLD))

    assert not catalogue.observe(show(*OLD[:10])).accepted


@both_lists
def test_empty_answers_are_never_believed_however_often(show: Show) -> None:
    catalogue = after_first_start()

    assert {catalogue.observe(show()).accepted for _ in range(9)} == {False}
    assert catalogue.observe(show(*OLD)).sightings == ()


def test_the_two_lists_do_not_vouch_for_each_other() -> None:
    catalogue = after_first_start()

    assert not catalogue.observe(names(*OLD, *CROWD)).accepted
    assert not catalogue.observe(snapshot(*OLD, *CROWD)).accepted


def test_answer_in_quarantine_changes_nothing() -> None:
    catalogue = after_first_start()

    result = catalogue.observe(snapshot(*OLD[:5]))

    assert (result.records, result.sightings, result.rescheduled) == ((), (), ())
    assert "shrunken" in result.reason


def test_first_snapshot_of_a_later_start_is_compared_with_what_was_stored() -> None:
    catalogue = Catalogue([a_record(symbol) for symbol in OLD])

    assert not catalogue.observe(snapshot(*OLD[:10])).accepted
    assert not catalogue.observe(names(*OLD, *CROWD)).accepted


def test_first_snapshot_of_all_that_lacks_most_of_the_names_is_no_baseline() -> None:
    catalogue = Catalogue()
    catalogue.observe(names(*OLD, *CROWD))

    result = catalogue.observe(snapshot(*OLD))

    assert not result.accepted
    assert not catalogue.has_baseline
    catalogue.observe(snapshot(*OLD, *CROWD))
    assert catalogue.has_baseline


def test_first_snapshot_of_all_is_taken_as_it_is_when_the_next_agrees() -> None:
    catalogue = Catalogue()
    catalogue.observe(names(*OLD, *CROWD))
    catalogue.observe(snapshot(*OLD))

    assert catalogue.observe(snapshot(*OLD)).accepted
    assert catalogue.observe(names(*OLD, *CROWD)).sightings == ()


def test_frame_with_too_many_names_that_no_list_shows_is_not_believed() -> None:
    catalogue = after_first_start()

    for _ in range(3):
        result = catalogue.observe(ticks(*OLD, *CROWD))
        assert (result.accepted, result.sightings) == (False, ())
        assert "swollen" in result.reason


def test_frames_do_not_bring_in_bits_what_they_may_not_bring_at_once() -> None:
    catalogue = after_first_start()

    sightings = [each for symbol in CROWD for each in catalogue.observe(ticks(symbol)).sightings]

    assert len(sightings) == 50
    assert seen(catalogue.observe(ticks("LATERUSDT", after=3700))) == [("LATERUSDT", WEBSOCKET)]


def test_names_that_a_list_has_shown_are_no_strangers() -> None:
    catalogue = after_first_start()
    for symbol in CROWD:
        stored(catalogue, catalogue.observe(ticks(symbol)).sightings)
        catalogue.observe(names(*OLD, symbol))

    assert seen(catalogue.observe(ticks("LASTUSDT"))) == [("LASTUSDT", WEBSOCKET)]


def test_frame_in_doubt_still_reports_what_a_list_has_shown() -> None:
    catalogue = after_first_start()
    catalogue.observe(names(*OLD, "ABCUSDT"))

    result = catalogue.observe(ticks(*CROWD, "ABCUSDT"))

    assert not result.accepted
    assert seen(result) == [("ABCUSDT", WEBSOCKET)]


def test_empty_frame_is_nothing_to_worry_about() -> None:
    assert after_first_start().observe(ticks()).accepted
