"""Times of the short poll interval."""

from datetime import UTC, datetime, timedelta

import pytest

from ingest.polling.poll_interval import OpeningWindow, PollInterval
from ingest.source import Upcoming
from tests.support.data.builders import NOON

WINDOW = OpeningWindow(before=timedelta(seconds=60), after=timedelta(seconds=300))


@pytest.mark.parametrize(
    ("seconds", "near"),
    [(-61, False), (-60, True), (0, True), (300, True), (301, False)],
)
def test_opening_is_near_from_before_its_time_until_after_it(seconds: float, near: bool) -> None:
    never = datetime.max.replace(tzinfo=UTC)
    upcoming = [
        Upcoming("NEVERUSDT", never),
        Upcoming("LATERUSDT", NOON + timedelta(days=1)),
        Upcoming("NEWUSDT", NOON),
    ]

    assert WINDOW.is_near(upcoming, NOON + timedelta(seconds=seconds)) is near


@pytest.mark.parametrize("opens_at", [[], [None]])
def test_unknown_opening_is_not_near(opens_at: list[datetime | None]) -> None:
    assert not WINDOW.is_near([Upcoming("NEWUSDT", each) for each in opens_at], NOON)


def test_beat_near_an_opening_is_never_slower_than_the_usual_one() -> None:
    assert PollInterval(10, 4).seconds(opening=True) == 4
    assert PollInterval(10, 4).seconds(opening=False) == 10
    assert PollInterval(1, 4).seconds(opening=True) == 1
