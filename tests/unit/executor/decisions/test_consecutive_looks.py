"""How often in a row something was seen."""

import pytest

from executor.decisions.consecutive_looks import Streaks


def test_looks_in_a_row_are_counted_with_their_time() -> None:
    streaks = Streaks(0.1)
    for moment in (1.0, 2.0):
        streaks.seen("A", "due", moment)
    streak = streaks.seen("A", "due", 3.5)

    assert (streak.looks, streak.seconds) == (3, 2.5)


def test_a_look_too_soon_after_another_proves_nothing_new() -> None:
    streaks = Streaks(0.5)
    streaks.seen("A", "due", 1.0)

    assert streaks.seen("A", "due", 1.4).looks == 1
    assert streaks.seen("A", "due", 1.5).looks == 2


def test_one_look_that_shows_something_else_begins_anew() -> None:
    streaks = Streaks(0.0)
    streaks.seen("A", "due", 1.0)
    streaks.seen("A", "unbid", 1.0)
    streaks.reset("A", "due")

    assert not streaks.has("A", "due")
    assert streaks.has("A", "unbid")
    assert streaks.seen("A", "due", 2.0).looks == 1


def test_positions_are_counted_apart_and_forgotten() -> None:
    streaks = Streaks(0.0)
    for name in ("A", "B", "B"):
        streaks.seen(name, "due", 1.0)
    streaks.forget_all_but({"B"})

    assert streaks.seen("A", "due", 2.0).looks == 1
    assert streaks.seen("B", "due", 2.0).looks == 3


@pytest.mark.parametrize(("looks", "seconds", "confirmed"), [(2, 3.0, True), (3, 0.0, False), (2, 3.1, False)])
def test_it_takes_both_looks_and_time_to_confirm(looks: int, seconds: float, confirmed: bool) -> None:
    streaks = Streaks(0.0)
    streaks.seen("A", "due", 1.0)

    assert streaks.seen("A", "due", 4.0).is_confirmed(looks, seconds) is confirmed
