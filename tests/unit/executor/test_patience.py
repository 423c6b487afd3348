"""How long a position that could not be sold is left alone."""

from decimal import Decimal
from itertools import count

from executor.patience import WAIT_SECONDS_MAX, Patience

HELD = Decimal(100)


def waits(patience: Patience, attempts: int) -> list[int]:
    """Return the seconds between *attempts*, each made in the first whole second in which it may be."""
    found: list[int] = []
    for _ in range(attempts):
        now = sum(found)
        patience.tried("A", HELD, now)
        found.append(next(waited for waited in count() if patience.is_over("A", HELD, now + waited)))
    return found


def test_waits_double_up_to_a_minute() -> None:
    assert waits(Patience(1.0), 8) == [1, 2, 4, 8, 16, 32, WAIT_SECONDS_MAX, WAIT_SECONDS_MAX]


def test_what_was_never_tried_may_be() -> None:
    assert Patience(1.0).is_over("A", HELD, 0.0)


def test_a_position_does_not_wait_for_another() -> None:
    patience = Patience(1.0)
    patience.tried("A", HELD, 0.0)

    assert patience.is_over("B", HELD, 0.0)
    assert not patience.is_over("A", HELD, 0.5)


def test_a_partial_sale_begins_anew() -> None:
    patience = Patience(1.0)
    for moment in (0.0, 1.0, 3.0):
        patience.tried("A", HELD, moment)

    assert patience.is_over("A", HELD - 1, 3.0)

    patience.tried("A", HELD - 1, 3.0)

    assert not patience.is_over("A", HELD - 1, 3.9)
    assert patience.is_over("A", HELD - 1, 4.0)


def test_what_is_no_longer_due_is_forgotten() -> None:
    patience = Patience(1.0)
    for moment in (0.0, 1.0, 3.0):
        patience.tried("A", HELD, moment)
        patience.tried("B", HELD, moment)
    patience.forget_all_but({"B"})

    assert patience.is_over("A", HELD, 3.0)
    assert not patience.is_over("B", HELD, 6.9)
