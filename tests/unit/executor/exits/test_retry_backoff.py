"""How long a position that could not be sold is left alone."""

from decimal import Decimal
from itertools import count

from executor.exits.retry_backoff import ALARMED_SECONDS_MAX, GAIN_SECONDS_MAX, WAIT_SECONDS_MAX, RetryBackoff

HELD = Decimal(100)


def patient(first_seconds: float = 1.0, attempts_alarm: int = 5) -> RetryBackoff:
    return RetryBackoff(first_seconds, attempts_alarm=attempts_alarm)


def waits(patience: RetryBackoff, attempts: int, *, is_gain: bool = False) -> list[int]:
    """Return the seconds between *attempts*, each made in the first whole second in which it may be."""
    found: list[int] = []
    for _ in range(attempts):
        now = sum(found)
        patience.tried("A", HELD, now)
        is_over = (waited for waited in count() if patience.is_over("A", HELD, now + waited, is_gain=is_gain))
        found.append(next(is_over))
    return found


def test_waits_stay_short_while_the_price_may_be_falling_also_once_a_person_should_look() -> None:
    quick, late = WAIT_SECONDS_MAX, ALARMED_SECONDS_MAX

    assert waits(patient(), 30) == [1, quick, quick, quick, 2, *[late] * 25]


def test_waits_for_a_gain_grow_once_a_person_should_look() -> None:
    quick, late = WAIT_SECONDS_MAX, GAIN_SECONDS_MAX

    assert waits(patient(), 10, is_gain=True) == [1, quick, quick, quick, 2, 4, 8, 16, late, late]


def test_a_stop_does_not_wait_for_as_long_as_the_gain_before_it() -> None:
    patience = patient()
    waits(patience, 9, is_gain=True)
    now = 1000.0
    patience.tried("A", HELD, now)

    assert patience.left_seconds("A", now, is_gain=True) == GAIN_SECONDS_MAX
    assert patience.left_seconds("A", now) == ALARMED_SECONDS_MAX
    assert patience.is_over("A", HELD, now + ALARMED_SECONDS_MAX)
    assert not patience.is_over("A", HELD, now + ALARMED_SECONDS_MAX, is_gain=True)


def test_a_person_is_asked_to_look_after_so_many_sales_in_a_row_that_sold_nothing() -> None:
    patience = patient(attempts_alarm=3)
    for moment in (0.0, 1.0):
        patience.tried("A", HELD, moment)
    before = patience.alarming()
    patience.tried("A", HELD, 3.0)

    assert (before, patience.alarming()) == ([], ["A"])

    patience.tried("A", HELD - 1, 5.0)

    assert patience.alarming() == []


def test_what_was_never_tried_may_be() -> None:
    assert patient().is_over("A", HELD, 0.0)


def test_a_position_does_not_wait_for_another() -> None:
    patience = patient()
    patience.tried("A", HELD, 0.0)

    assert patience.is_over("B", HELD, 0.0)
    assert not patience.is_over("A", HELD, 0.5)


def test_a_partial_sale_begins_anew() -> None:
    patience = patient()
    for moment in (0.0, 1.0, 3.0):
        patience.tried("A", HELD, moment)

    assert patience.is_over("A", HELD - 1, 3.0)

    patience.tried("A", HELD - 1, 3.0)

    assert not patience.is_over("A", HELD - 1, 3.9)
    assert patience.is_over("A", HELD - 1, 4.0)


def test_what_is_no_longer_due_is_forgotten() -> None:
    patience = patient()
    for moment in (0.0, 1.0, 3.0):
        patience.tried("A", HELD, moment)
        patience.tried("B", HELD, moment)
    patience.forget_all_but({"B"})

    assert patience.is_over("A", HELD, 3.0)
    assert not patience.is_over("B", HELD, 3.9)
