"""Take-profit ladder: the steps that a position has still to take, and the quantity that each sells. Pure.

A step names the share of the purchase that is to be sold by then. So the quantities show which steps are done, also
after a restart, a sale of a part, or a change of the ladder; and none is done twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Final

from executor.model import CAREFUL, Position
from executor.pricing import is_worth_selling
from shared.control.exit_policy import ExitPolicy
from shared.events import TradingRules

_HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class LadderSale:
    """A step that is not done, with those below it."""

    quantity: Decimal
    """Of the coin: the surplus over the quantity that the step leaves."""
    at_pct: Decimal
    """Above the price paid."""


def steps_left(position: Position, policy: ExitPolicy) -> Iterator[LadderSale]:
    """Yield the steps that *position* has still to take, the highest first."""
    bought, left_pct, steps = position.bought_qty, _HUNDRED, list[LadderSale]()
    if bought is None:
        return
    with localcontext(CAREFUL):
        for step in policy.take_profit_ladder:
            left_pct -= step.sell_pct
            steps.append(LadderSale(position.base_qty - bought * left_pct / _HUNDRED, step.at_pct))
    yield from (step for step in reversed(steps) if step.quantity > 0)


def sellable(
    sale: LadderSale, position: Position, rules: TradingRules | None, *, floor: Decimal, rest_price: Decimal
) -> LadderSale | None:
    """Return *sale* as the exchange would take it at *floor*; None where it would not.

    It sells everything where the rest, at *rest_price*, could not be sold any more.
    """
    with localcontext(CAREFUL):
        rest = position.base_qty - sale.quantity
    whole = replace(sale, quantity=position.base_qty)
    fit = sale if is_worth_selling(rest, rest_price, rules) else whole
    return fit if is_worth_selling(fit.quantity, floor, rules) else None
