"""The rules of exits: when a position is to be sold, and for how much at least. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Final

from executor.decisions.take_profit_ladder import LadderSale
from executor.model.money import CAREFUL
from executor.model.order import ExitReason
from executor.model.position import Position
from executor.pricing.valuation import Worth
from executor.settings import ExitSettings
from shared.control.exit_policy import ExitPolicy

_HUNDRED: Final = Decimal(100)
STOPS: Final = frozenset({ExitReason.STOP_LOSS, ExitReason.TRAILING_STOP})
GAINS: Final = frozenset({ExitReason.TAKE_PROFIT, ExitReason.TAKE_PROFIT_STEP})
"""These have a floor of their own."""


@dataclass(frozen=True, slots=True)
class ExitInputs:
    """What is known when a position is looked at."""

    worth: Worth | None
    """By the bids of now; None where there are no bids, or it could not be learned."""
    close_requested: bool
    now: datetime
    floor: Decimal | None = None
    """Of the take-profit that got rid of a part already: the rest is not sold for less, either."""
    begun_by: ExitReason | None = None
    """Why the last sale that got rid of a part was made, where that is known."""
    ladder: LadderSale | None = None
    """The highest step of the ladder that its bids reach."""


def exit_due(position: Position, seen: ExitInputs, policy: ExitPolicy) -> ExitReason | None:
    """Return why *position* is to be sold now; None while it is to be kept.

    What a person wants comes first, then what limits a loss, then time, then gain. A sale that got rid of a part is
    finished, whatever the price has done since; the rest of a take-profit only at what a take-profit may be sold for.
    A step of the ladder is no such sale: the rest is kept on purpose. No gain is due by a crossed book, whose bids may
    not be there any more.
    """
    worth = seen.worth
    sellable, net = (None, None) if worth is None else (worth.sellable, worth.net)
    reference = _stop_reference(position)
    is_begun = position.received_usdt > 0 and seen.begun_by is not ExitReason.TAKE_PROFIT_STEP
    trails = _is_trailing(position, policy)
    is_crossed = worth is not None and worth.is_crossed
    checks = (
        (ExitReason.BY_HAND, seen.close_requested),
        (ExitReason.STOP_LOSS, _has_fallen(sellable, reference, policy.stop_loss_pct)),
        (ExitReason.TRAILING_STOP, trails and _has_fallen(sellable, position.peak_price, policy.trailing_stop_pct)),
        (ExitReason.HOLDING_TIME, _is_over(seen.now - position.opened_at, policy.holding_seconds_max)),
        (ExitReason.TAKE_PROFIT, not is_crossed and _has_risen(net, position.average_price, policy.take_profit_pct)),
        (ExitReason.TAKE_PROFIT_STEP, not is_crossed and not is_begun and seen.ladder is not None),
        (ExitReason.REMAINDER, is_begun and _reaches(worth, seen.floor)),
    )
    return next((reason for reason, is_due in checks if is_due), None)


def floor_of(
    reason: ExitReason, position: Position, seen: ExitInputs, policy: ExitPolicy, settings: ExitSettings
) -> Decimal:
    """Return what a coin must bring at least where *position* is sold for *reason*.

    A take-profit, or a step of one: its trigger less the slippage, whatever the book says later. Everything else: what
    the bids of the look pay on average, less the slippage.
    """
    if reason is ExitReason.TAKE_PROFIT and policy.take_profit_pct is not None:
        return floor_of_gain(position, policy.take_profit_pct, settings)
    if reason is ExitReason.TAKE_PROFIT_STEP and seen.ladder is not None:
        return floor_of_gain(position, seen.ladder.at_pct, settings)
    if reason is ExitReason.REMAINDER and seen.floor is not None:
        return seen.floor
    return below(Decimal(0) if seen.worth is None else seen.worth.average, settings.exit_slippage_pct)


def floor_of_gain(position: Position, percent: Decimal, settings: ExitSettings) -> Decimal:
    """Return what a coin must bring at least where *position* is sold for having risen by *percent*."""
    return below(above(position.average_price, percent), settings.exit_slippage_pct)


def rest_price_of(position: Position, floor: Decimal, policy: ExitPolicy, settings: ExitSettings) -> Decimal:
    """Return what the rest may be sold for where a part of *position* is sold at *floor*: its stop may come next."""
    if policy.stop_loss_pct is None:
        return floor
    return min(floor, below(below(_stop_reference(position), policy.stop_loss_pct), settings.exit_slippage_pct))


def needs_confirmation(reason: ExitReason, worth: Worth | None, settings: ExitSettings) -> bool:
    """Return whether one look is too little to sell for *reason*: a stop, and any sale without a floor into a hole.

    Where nothing is asked, nothing shows that the bids are none.
    """
    if reason in STOPS:
        return True
    if reason in GAINS or worth is None:
        return False
    return worth.best_ask is None or worth.sellable <= below(worth.best_ask, settings.exit_gap_pct)


def reference_of(average_price: Decimal, worth: Worth, settings: ExitSettings) -> Decimal:
    """Return what the stop of a position that was just bought is measured from.

    It is what was paid, less the spread: where bids are far below asks from the first, a distance to the bid is no
    loss. Where bid and ask have fallen together it is one. No more than `stop_spread_pct_max` is taken for a spread.
    """
    if worth.best_ask is None:
        return average_price
    with localcontext(CAREFUL):
        share = min(Decimal(1), worth.sellable / worth.best_ask)
        return average_price * max(share, 1 - settings.stop_spread_pct_max / _HUNDRED)


def _stop_reference(position: Position) -> Decimal:
    return position.average_price if position.stop_reference is None else position.stop_reference


def _is_trailing(position: Position, policy: ExitPolicy) -> bool:
    """Return whether the highest price was so far above the price paid that the trailing stop counts."""
    activation = policy.trailing_activation_pct
    return activation is None or position.peak_price >= above(position.average_price, activation)


def _reaches(worth: Worth | None, floor: Decimal | None) -> bool:
    return floor is None or (worth is not None and not worth.is_crossed and worth.whole >= floor)


def _has_fallen(price: Decimal | None, reference: Decimal, percent: Decimal | None) -> bool:
    return price is not None and percent is not None and price <= below(reference, percent)


def _has_risen(price: Decimal | None, reference: Decimal, percent: Decimal | None) -> bool:
    return price is not None and percent is not None and price >= above(reference, percent)


def _is_over(held: timedelta, seconds_max: float | None) -> bool:
    return seconds_max is not None and held >= timedelta(seconds=seconds_max)


def above(price: Decimal, percent: Decimal) -> Decimal:
    """Return *price* and *percent* of it."""
    with localcontext(CAREFUL):
        return price * (1 + percent / _HUNDRED)


def below(price: Decimal, percent: Decimal) -> Decimal:
    """Return *price* less *percent* of it."""
    with localcontext(CAREFUL):
        return price * (1 - percent / _HUNDRED)
