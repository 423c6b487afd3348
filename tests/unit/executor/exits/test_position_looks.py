"""What a look shows of the positions that pushes have hurried it to."""

import pytest

from executor.exits.position_looks import Look
from executor.pricing.valuation import Quote
from tests.unit.executor.decisions.test_exit_evaluator import FAIR, FALLEN, HOLE, book
from tests.unit.executor.decisions.test_exits_by_pushes import Pushes


@pytest.mark.parametrize(
    ("quote", "is_judged"),
    [(FAIR, True), (FALLEN, True), (book(ask=None), False), (HOLE, False)],
    ids=["not due", "due", "nothing is bid", "nothing is bid that makes a sale"],
)
def test_a_book_without_buyers_does_not_contradict_a_push(quote: Quote, *, is_judged: bool) -> None:
    """Or looks would be rarer just when the next bid counts."""
    pushes = Pushes(stop_loss_pct=10)
    [*_, decision] = [pushes.look(quote) for _ in range(3)]
    look = Look(pushes.at, [pushes.held])
    look.watched.add(pushes.held.name)
    look.add(pushes.held, decision)

    assert set(look.judged({pushes.held.name, "another"})) == ({pushes.held.name} if is_judged else set())
