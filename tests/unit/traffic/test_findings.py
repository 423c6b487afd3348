"""Wrong events are found, whichever way they are wrong."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.events import Event, Listing, ListingRescheduled
from tests.support.data.builders import NOON, a_listing
from tests.traffic.findings import Findings, findings
from tests.traffic.memory import deviation
from tests.traffic.record import Reading, Record
from tests.traffic.steps import Disconnect, List, Misread, Move, Script, Step
from tests.traffic.truth import truth_of

LISTED = Step(0, List("ABCUSDT", opens_in=3600))
MOVED = Step(1800, Move("ABCUSDT", 3600))
TRUTH = truth_of(Script((LISTED, MOVED, Step(2000, Disconnect()), Step(2001, Misread("x"))), 7200), [])
FIRST, SECOND = NOON + timedelta(hours=1), NOON + timedelta(hours=1.5)
RIGHT = a_listing(opens_at=FIRST)


def the_move(**overrides: Any) -> ListingRescheduled:
    described: Mapping[str, Any] = a_listing(opens_at=SECOND).model_dump() | {"id": "moved"} | overrides
    return ListingRescheduled.model_validate(described)


def a_record(*told: Event, **overrides: Any) -> Record:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    opens_at_ms = {step: (at - epoch) // timedelta(milliseconds=1) for step, at in ((LISTED, FIRST), (MOVED, SECOND))}
    counted: dict[str, Any] = {"misreads": 1, "disconnects": 1, "dead_letters": 0, "refusals": {}}
    return Record(told=told, opens_at_ms=opens_at_ms, requests={}, memory={}, **counted | overrides)


def test_nothing_is_wrong_where_what_happened_was_told_once() -> None:
    assert findings(a_record(RIGHT, the_move()), TRUTH) == Findings()


@pytest.mark.parametrize(
    ("told", "missed", "invented"),
    [
        ([the_move()], ["ABCUSDT:1"], []),
        ([RIGHT], [f"ABCUSDT opens at {SECOND}"], []),
        ([RIGHT, RIGHT, the_move()], [], ["ABCUSDT:1"]),
        ([RIGHT, the_move(), the_move()], [], [f"ABCUSDT opens at {SECOND}"]),
        ([RIGHT, the_move(), a_listing(opens_at=FIRST, occurrence=2)], [], ["ABCUSDT:2"]),
        ([RIGHT, the_move(opens_at=FIRST)], [f"ABCUSDT opens at {SECOND}"], [f"ABCUSDT opens at {FIRST}"]),
    ],
)
def test_what_is_missing_and_what_is_too_much_are_named(
    told: Sequence[Listing], missed: Sequence[str], invented: Sequence[str]
) -> None:
    found = findings(a_record(*told), TRUTH)

    assert (found.missed, found.invented) == (Counter(missed), Counter(invented))


def test_wrong_opening_of_a_listing_is_named() -> None:
    assert findings(a_record(a_listing(opens_at=SECOND), the_move()), TRUTH).openings == {"ABCUSDT:1": SECOND}


@pytest.mark.parametrize(
    "wrong", [{"refusals": {"GET /x": 1}}, {"dead_letters": 1}, {"misreads": 0}, {"misreads": 2}, {"disconnects": 0}]
)
def test_counts_that_do_not_agree_are_found(wrong: Mapping[str, Any]) -> None:
    assert findings(a_record(RIGHT, the_move(), **wrong), TRUTH) != Findings()


def test_deviation_is_that_of_the_farthest_reading_once_warm() -> None:
    readings = [Reading(at, size) for at, size in ((0, 10), (5, 100), (6, 100), (7, 104), (8, 94))]

    assert deviation(readings, warm_after=5) == pytest.approx(0.06)
