"""Stages of a trade as timed by the demo."""

from datetime import datetime, timedelta

from cli.composing.demo_report import stage_times
from tests.support.data.builders import NOON

NAMES = ("observed_at", "published_at", "deduplicated_at", "decided_at", "answered_at")


def stages(*milliseconds: int) -> dict[str, str]:
    return {name: after(at).isoformat() for name, at in zip(NAMES, milliseconds, strict=True)}


def after(milliseconds: int) -> datetime:
    return NOON + timedelta(milliseconds=milliseconds)


def test_a_way_is_as_long_as_it_took() -> None:
    assert stage_times(stages(0, 2, 5, 9, 40), after(50)) == [after(at) for at in (0, 2, 5, 9, 40, 50)]


def test_the_wait_for_an_announced_opening_is_taken_out() -> None:
    """Decided on just before the opening at 30 s, and answered 40 ms after it."""
    waited = stages(0, 2, 5, 29_990, 30_040) | {"due_at": after(30_000).isoformat()}

    assert stage_times(waited, after(30_060)) == [after(at) for at in (0, 2, 5, 5, 45, 65)]


def test_an_opening_that_was_over_before_the_news_came_was_not_waited_for() -> None:
    open_already = stages(0, 2, 5, 9, 40) | {"due_at": after(1).isoformat()}

    assert stage_times(open_already, after(50)) == [after(at) for at in (0, 2, 5, 9, 40, 50)]
