"""The first start of all: what was there before we looked is not new."""

import pytest

from ingest.catalogue import Catalogue, SymbolState
from ingest.source import SourceEvent
from tests.support.data.builders import NOON, a_symbol_info
from tests.support.data.evidence import (
    OLD,
    WEBSOCKET,
    a_record,
    after_first_start,
    announced,
    at,
    names,
    seen,
    snapshot,
    states,
    ticks,
)


def test_first_snapshot_is_the_baseline_and_nothing_in_it_is_new() -> None:
    catalogue = Catalogue()
    catalogue.observe(names(*OLD))

    result = catalogue.observe(snapshot(*OLD))

    assert result.sightings == ()
    assert {record.symbol for record in result.records} == set(OLD)
    assert catalogue.has_baseline


def test_baseline_waits_for_the_names_of_the_same_moment() -> None:
    catalogue = Catalogue()

    result = catalogue.observe(snapshot(*OLD))

    assert result.records == ()
    assert not catalogue.has_baseline


@pytest.mark.parametrize("empty", [snapshot(), names()])
def test_empty_answer_is_no_part_of_the_baseline(empty: SourceEvent) -> None:
    catalogue = Catalogue()
    for event in (names(), snapshot(*OLD), names(*OLD)):
        catalogue.observe(event)

    assert not catalogue.observe(empty).accepted
    assert not catalogue.has_baseline


def test_name_missing_from_the_first_snapshot_is_part_of_the_baseline() -> None:
    catalogue = Catalogue()
    catalogue.observe(names(*OLD, "HIDDENUSDT"))
    result = catalogue.observe(snapshot(*OLD))

    assert "HIDDENUSDT" in states(result.records)
    assert catalogue.observe(names(*OLD, "HIDDENUSDT")).sightings == ()


def test_what_ticked_before_the_baseline_is_part_of_it() -> None:
    catalogue = Catalogue()
    assert catalogue.observe(ticks("WILDUSDT")).sightings == ()
    catalogue.observe(names(*OLD))
    result = catalogue.observe(snapshot(*OLD))

    assert "WILDUSDT" in states(result.records)
    assert catalogue.observe(ticks("WILDUSDT")).sightings == ()


def test_first_frame_after_the_first_baseline_is_part_of_it_when_none_came_before() -> None:
    catalogue = Catalogue()
    catalogue.observe(names(*OLD))
    catalogue.observe(snapshot(*OLD))

    first = catalogue.observe(ticks(*OLD, "WILDUSDT", after=1))
    second = catalogue.observe(ticks(*OLD, "WILDUSDT", "ABCUSDT", after=4))

    assert first.sightings == ()
    assert states(first.records) == {"WILDUSDT": SymbolState.TRADABLE}
    assert seen(second) == [("ABCUSDT", WEBSOCKET)]


def test_first_frame_is_part_of_the_baseline_with_all_its_pieces() -> None:
    after_the_lists = Catalogue()
    after_the_lists.observe(names(*OLD))
    after_the_lists.observe(snapshot(*OLD))
    around_the_lists = Catalogue()
    around_the_lists.observe(ticks("WILDUSDT", after=1))
    around_the_lists.observe(names(*OLD))
    around_the_lists.observe(snapshot(*OLD))

    for catalogue in (after_the_lists, around_the_lists):
        for piece in (ticks("WILDUSDT", after=1), ticks("FERALUSDT", after=1)):
            assert catalogue.observe(piece).sightings == ()
        assert seen(catalogue.observe(ticks("ABCUSDT", after=4))) == [("ABCUSDT", WEBSOCKET)]


def test_first_frame_of_all_still_reports_what_a_list_has_shown_to_be_new() -> None:
    catalogue = Catalogue()
    catalogue.observe(names(*OLD))
    catalogue.observe(snapshot(*OLD))
    catalogue.observe(names(*OLD, "ABCUSDT", after=1))

    assert seen(catalogue.observe(ticks(*OLD, "ABCUSDT", after=2))) == [("ABCUSDT", WEBSOCKET)]


def test_symbol_of_the_baseline_that_opens_later_is_listed_and_upcoming() -> None:
    catalogue = after_first_start(a_symbol_info("SOONUSDT", first_open_time=at(60)))

    assert [each.symbol for each in catalogue.upcoming(NOON)] == ["SOONUSDT"]
    assert catalogue.observe(ticks("SOONUSDT", after=61)).sightings == ()
    assert catalogue.upcoming(at(61)) == []


def test_announced_symbol_that_the_baseline_shows_waits_for_its_announced_opening() -> None:
    catalogue = Catalogue()
    catalogue.observe(announced("SOONUSDT", 60))
    catalogue.observe(names(*OLD))

    result = catalogue.observe(snapshot(*OLD, "SOONUSDT"))

    assert states(result.records)["SOONUSDT"] is SymbolState.LISTED


def test_announcements_alone_are_no_baseline() -> None:
    assert not Catalogue([a_record("ABCUSDT", SymbolState.ANNOUNCED, opens_at=at(60))]).has_baseline
