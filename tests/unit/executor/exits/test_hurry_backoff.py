"""Looks that pushes hurry: at once, and less and less often while the book contradicts the pushes."""

from itertools import pairwise

import pytest

from executor.exits.by_stream.hurry_backoff import (
    BACKOFF_SECONDS_MAX,
    CONTRADICTIONS_FREE,
    FORGOTTEN_SECONDS,
    HURRY_SECONDS,
    HurryBackoff,
)

EVERY_SECONDS = 0.01
"""Between pushes."""
LOOKS_SECONDS_MAX = 1.0


def looks(backoff: HurryBackoff, *, seconds: float, since: float = 100.0, pressing: bool = False) -> list[float]:
    """Return the times of the looks that pushes of so long bring about, each of which is had at its time."""
    times: list[float] = []
    pending: float | None = None
    for number in range(round(seconds / EVERY_SECONDS)):
        now = since + number * EVERY_SECONDS
        if pending is not None and now >= pending:
            times.append(pending)
            backoff.looked({"A"}, {"A"} if pressing else set())
            pending = None
        if (wait := backoff.hurry("A", 0.0, now)) is not None:
            assert pending is None
            pending = now + wait
    return times


def contradicted(backoff: HurryBackoff) -> float:
    """Have looks contradict pushes until they are as rare as can be; return the time of the last."""
    now = 100.0
    for _ in range(20):
        now += backoff.hurry("A", 0.0, now + HURRY_SECONDS) or 0.0
        now += HURRY_SECONDS
        backoff.looked({"A"}, set())
    return now


def test_the_first_push_hurries_at_once() -> None:
    assert HurryBackoff(LOOKS_SECONDS_MAX).hurry("A", 0.0, 100.0) == 0.0


def test_a_look_that_confirms_is_to_come_after_its_seconds_and_once() -> None:
    backoff = HurryBackoff(LOOKS_SECONDS_MAX)

    assert [backoff.hurry("A", 0.3, at) for at in (100.0, 100.1, 100.29)] == [pytest.approx(0.3), None, None]
    assert backoff.hurry("A", 0.3, 100.31) == pytest.approx(0.3)


def test_pushes_that_the_book_contradicts_hurry_less_and_less_often_up_to_the_ordinary_interval() -> None:
    times = looks(HurryBackoff(LOOKS_SECONDS_MAX), seconds=9)

    apart = [after - before for before, after in pairwise(times)]
    assert apart[:CONTRADICTIONS_FREE] == pytest.approx([HURRY_SECONDS] * CONTRADICTIONS_FREE, abs=EVERY_SECONDS)
    assert apart == pytest.approx(sorted(apart), abs=EVERY_SECONDS)
    assert apart[-1] == pytest.approx(LOOKS_SECONDS_MAX)
    assert len(times) < 20


def test_pushes_that_looks_confirm_are_looked_at_as_often_as_before() -> None:
    assert len(looks(HurryBackoff(LOOKS_SECONDS_MAX), seconds=5, pressing=True)) > 5 / HURRY_SECONDS / 2


def test_a_push_in_a_back_off_is_looked_at_when_that_is_over_without_another() -> None:
    backoff = HurryBackoff(LOOKS_SECONDS_MAX)
    last = contradicted(backoff)

    wait = backoff.hurry("A", 0.0, last + 0.1)

    assert wait == pytest.approx(LOOKS_SECONDS_MAX - 0.1)
    assert backoff.hurry("A", 0.0, last + 0.2) is None


def test_one_look_that_confirms_a_push_ends_the_back_off() -> None:
    backoff = HurryBackoff(LOOKS_SECONDS_MAX)
    last = contradicted(backoff)

    backoff.looked({"A"}, {"A"})

    assert backoff.hurry("A", 0.0, last + LOOKS_SECONDS_MAX + 0.1) == 0.0
    assert backoff.hurry("A", 0.0, last + LOOKS_SECONDS_MAX + 0.1 + HURRY_SECONDS) == 0.0


def test_contradictions_of_long_ago_do_not_count() -> None:
    backoff = HurryBackoff(LOOKS_SECONDS_MAX)
    last = contradicted(backoff)
    later = last + LOOKS_SECONDS_MAX + FORGOTTEN_SECONDS + 1

    assert len(looks(backoff, seconds=0.3, since=later)) > CONTRADICTIONS_FREE


def test_one_position_does_not_hold_up_another() -> None:
    backoff = HurryBackoff(LOOKS_SECONDS_MAX)
    last = contradicted(backoff)

    assert backoff.hurry("B", 0.0, last) == 0.0


def test_a_position_that_is_not_held_any_more_is_forgotten() -> None:
    backoff = HurryBackoff(LOOKS_SECONDS_MAX)
    last = contradicted(backoff)

    backoff.forget_all_but(set())

    assert backoff.hurry("A", 0.0, last + 0.001) == 0.0


def test_looks_that_are_rare_without_pushes_are_not_as_rare_with_them() -> None:
    """A minute apart: what a push shows then would be sold that much later."""
    backoff = HurryBackoff(60.0)
    last = contradicted(backoff)

    wait = backoff.hurry("A", 0.0, last + HURRY_SECONDS)

    assert wait is not None
    assert wait <= BACKOFF_SECONDS_MAX


def test_a_push_right_after_a_look_has_one_of_its_own_without_another_push() -> None:
    """The book was read before it: a coin that is not traded again would wait for the turn of its next look."""
    backoff = HurryBackoff(LOOKS_SECONDS_MAX)
    assert backoff.hurry("A", 0.0, 100.0) == 0.0
    backoff.looked({"A"}, set())

    assert backoff.hurry("A", 0.0, 100.01) == pytest.approx(HURRY_SECONDS - 0.01)
    assert backoff.hurry("A", 0.0, 100.02) is None
