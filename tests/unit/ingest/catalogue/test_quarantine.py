"""Answers that lack too much or bring too much are not believed at once, and never when they are empty."""

from collections.abc import Callable

import pytest

from ingest.catalogue import Catalogue, Rules
from ingest.catalogue.quarantine import Quarantine
from ingest.cooperative import in_one_go
from ingest.source_events import Evidence
from tests.support.data.evidence import (
    OLD,
    REST,
    WEBSOCKET,
    a_known,
    after_first_start,
    names,
    seen,
    snapshot,
    stored,
    ticks,
)

HUNDRED = frozenset(f"{number}USDT" for number in range(100))
CROWD = tuple(f"CROWD{number}USDT" for number in range(51))

Show = Callable[..., Evidence]
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
    assert in_one_go(Quarantine(Rules(), HUNDRED).doubt(shown, new_count)) == reason


def test_list_is_compared_with_the_last_that_was_believed() -> None:
    quarantine = Quarantine(Rules(), HUNDRED)
    fewer = frozenset(sorted(HUNDRED)[10:])
    in_one_go(quarantine.doubt(fewer, 0))

    assert in_one_go(quarantine.doubt(frozenset(sorted(HUNDRED)[19:]), 0)) == ""


@both_lists
def test_two_shrunken_answers_that_agree_are_believed(show: Show) -> None:
    catalogue = after_first_start()

    assert not catalogue.observe(show(*OLD[:10])).believed
    assert catalogue.observe(show(*OLD[:10])).believed
    assert catalogue.observe(show(*OLD)).sightings == ()


@both_lists
def test_two_swollen_answers_that_agree_are_believed_and_all_that_is_new_is_published(show: Show) -> None:
    catalogue = after_first_start()

    first = catalogue.observe(show(*OLD, *CROWD))
    second = catalogue.observe(show(*OLD, *CROWD))

    assert (first.believed, first.sightings) == (False, ())
    assert second.believed
    assert seen(second) == [(symbol, REST) for symbol in sorted(CROWD)]


@both_lists
def test_two_doubtful_answers_that_differ_are_not_believed(show: Show) -> None:
    catalogue = after_first_start()

    for last in range(4):
        findings = catalogue.observe(show(*OLD, *CROWD, f"X{last}USDT"))
        assert (findings.believed, findings.sightings) == (False, ())


@both_lists
def test_answer_in_between_breaks_the_agreement(show: Show) -> None:
    catalogue = after_first_start()
    catalogue.observe(show(*OLD[:10]))
    catalogue.observe(show(*OLD))

    assert not catalogue.observe(show(*OLD[:10])).believed


@both_lists
def test_empty_answers_are_never_believed_however_often(show: Show) -> None:
    catalogue = after_first_start()

    assert {catalogue.observe(show()).believed for _ in range(9)} == {False}
    assert catalogue.observe(show(*OLD)).sightings == ()


def test_the_two_lists_do_not_vouch_for_each_other() -> None:
    catalogue = after_first_start()

    assert not catalogue.observe(names(*OLD, *CROWD)).believed
    assert not catalogue.observe(snapshot(*OLD, *CROWD)).believed


def test_answer_in_quarantine_changes_nothing() -> None:
    catalogue = after_first_start()

    findings = catalogue.observe(snapshot(*OLD[:5]))

    assert (findings.records, findings.sightings, findings.rescheduled) == ((), (), ())
    assert "shrunken" in findings.reason


def test_first_snapshot_of_a_later_start_is_compared_with_what_was_stored() -> None:
    catalogue = Catalogue([a_known(symbol) for symbol in OLD])

    assert not catalogue.observe(snapshot(*OLD[:10])).believed
    assert not catalogue.observe(names(*OLD, *CROWD)).believed


def test_first_snapshot_of_all_that_lacks_most_of_the_names_is_no_baseline() -> None:
    catalogue = Catalogue()
    catalogue.observe(names(*OLD, *CROWD))

    findings = catalogue.observe(snapshot(*OLD))

    assert not findings.believed
    assert not catalogue.has_baseline
    catalogue.observe(snapshot(*OLD, *CROWD))
    assert catalogue.has_baseline


def test_first_snapshot_of_all_is_taken_as_it_is_when_the_next_agrees() -> None:
    catalogue = Catalogue()
    catalogue.observe(names(*OLD, *CROWD))
    catalogue.observe(snapshot(*OLD))

    assert catalogue.observe(snapshot(*OLD)).believed
    assert catalogue.observe(names(*OLD, *CROWD)).sightings == ()


def test_frame_with_too_many_names_that_no_list_shows_is_not_believed() -> None:
    catalogue = after_first_start()

    for _ in range(3):
        findings = catalogue.observe(ticks(*OLD, *CROWD))
        assert (findings.believed, findings.sightings) == (False, ())
        assert "swollen" in findings.reason


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

    findings = catalogue.observe(ticks(*CROWD, "ABCUSDT"))

    assert not findings.believed
    assert seen(findings) == [("ABCUSDT", WEBSOCKET)]


def test_empty_frame_is_nothing_to_worry_about() -> None:
    assert after_first_start().observe(ticks()).believed
