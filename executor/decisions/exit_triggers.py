"""Exit rules: when a position is to be sold, and the least price of its sale. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Final

from executor.decisions.take_profit_ladder import LadderSale, sellable, steps_left
from executor.model import CAREFUL, ExitReason, Position, PositionState, WatchedPosition
from executor.pricing import Quote, Worth, worth_of
from executor.settings import ExecutorSettings, ExitSettings
from shared.control.exit_policy import ExitPolicy
from shared.events import TradingRules

_HUNDRED: Final = Decimal(100)
STOPS: Final = frozenset({ExitReason.STOP_LOSS, ExitReason.TRAILING_STOP})
GAINS: Final = frozenset({ExitReason.TAKE_PROFIT, ExitReason.TAKE_PROFIT_STEP})
"""These have a floor of their own."""


@dataclass(frozen=True, slots=True)
class ExitInputs:
    """Inputs of the exit rules for one look at a position."""

    worth: Worth | None
    """By the present bids; None without bids, or where they could not be read."""
    close_requested: bool
    now: datetime
    floor: Decimal | None = None
    """Of the take-profit that sold a part already: the rest is not sold for less, either."""
    begun_by: ExitReason | None = None
    """The reason of the last sale that sold a part, where it is known."""
    ladder: LadderSale | None = None
    """The highest step of the ladder that the bids reach."""


def exit_due(position: Position, inputs: ExitInputs, policy: ExitPolicy) -> ExitReason | None:
    """Return the reason to sell *position* now; None while it is to be kept.

    A request by hand comes first, then the limits of a loss, then time, then gain. A sale that sold a part is finished,
    whatever the price has done since; the rest of a take-profit only at the price of a take-profit. A step of the
    ladder is no such sale: the rest is kept on purpose. No gain is due by a crossed book, whose bids may be gone.
    """
    worth = inputs.worth
    by_share, net = (None, None) if worth is None else (worth.sellable, worth.net)
    reference = _stop_reference(position)
    activation = policy.trailing_activation_pct
    trails = activation is None or position.peak_price >= above(position.average_price, activation)
    is_begun = position.received_usdt > 0 and inputs.begun_by is not ExitReason.TAKE_PROFIT_STEP
    is_crossed = worth is not None and worth.is_crossed
    reaches_floor = inputs.floor is None or (worth is not None and not is_crossed and worth.whole >= inputs.floor)
    seconds_max, target_pct = policy.holding_seconds_max, policy.take_profit_pct
    is_over = seconds_max is not None and inputs.now - position.opened_at >= timedelta(seconds=seconds_max)
    has_risen = net is not None and target_pct is not None and net >= above(position.average_price, target_pct)
    checks = (
        (ExitReason.BY_HAND, inputs.close_requested),
        (ExitReason.STOP_LOSS, _has_fallen(by_share, reference, policy.stop_loss_pct)),
        (ExitReason.TRAILING_STOP, trails and _has_fallen(by_share, position.peak_price, policy.trailing_stop_pct)),
        (ExitReason.HOLDING_TIME, is_over),
        (ExitReason.TAKE_PROFIT, not is_crossed and has_risen),
        (ExitReason.TAKE_PROFIT_STEP, not is_crossed and not is_begun and inputs.ladder is not None),
        (ExitReason.REMAINDER, is_begun and reaches_floor),
    )
    return next((reason for reason, is_due in checks if is_due), None)


def floor_of(
    reason: ExitReason, position: Position, inputs: ExitInputs, policy: ExitPolicy, settings: ExitSettings
) -> Decimal:
    """Return the least price of a coin where *position* is sold for *reason*.

    A take-profit, or a step of one: its trigger less the slippage, whatever the book says later. Everything else: the
    average price of the bids of the look, less the slippage.
    """
    if reason is ExitReason.TAKE_PROFIT and policy.take_profit_pct is not None:
        return floor_of_gain(position, policy.take_profit_pct, settings)
    if reason is ExitReason.TAKE_PROFIT_STEP and inputs.ladder is not None:
        return floor_of_gain(position, inputs.ladder.at_pct, settings)
    if reason is ExitReason.REMAINDER and inputs.floor is not None:
        return inputs.floor
    return below(Decimal(0) if inputs.worth is None else inputs.worth.average, settings.exit_slippage_pct)


def floor_of_gain(position: Position, percent: Decimal, settings: ExitSettings) -> Decimal:
    """Return the least price of a coin where *position* is sold for a gain of *percent*."""
    return below(above(position.average_price, percent), settings.exit_slippage_pct)


def rest_price_of(position: Position, floor: Decimal, policy: ExitPolicy, settings: ExitSettings) -> Decimal:
    """Return the price that the rest may be sold for after a part of *position* at *floor*: its stop may come next."""
    if policy.stop_loss_pct is None:
        return floor
    return min(floor, below(below(_stop_reference(position), policy.stop_loss_pct), settings.exit_slippage_pct))


def ladder_sale_due(
    position: Position, quote: Quote, rules: TradingRules | None, policy: ExitPolicy, settings: ExecutorSettings
) -> LadderSale | None:
    """Return the highest step of the ladder that is not done and whose quantity *quote* pays for.

    None while a sale is under way, whose rest is unknown yet.
    """
    if position.state is not PositionState.OPEN:
        return None
    for step in steps_left(position, policy):
        worth = worth_of(quote, step.quantity, settings.exit_depth_pct, settings.taker_fee)
        if worth is None or worth.net < above(position.average_price, step.at_pct):
            continue
        floor = floor_of_gain(position, step.at_pct, settings)
        rest_price = rest_price_of(position, floor, policy, settings)
        if (sale := sellable(step, position, rules, floor=floor, rest_price=rest_price)) is not None:
            return sale
    return None


def needs_confirmation(reason: ExitReason, worth: Worth | None, settings: ExitSettings) -> bool:
    """Return whether one look is too little to sell for *reason*: a stop, and any sale without a floor into a hole.

    Without asks nothing shows that the bids are real.
    """
    if reason in STOPS:
        return True
    if reason in GAINS or worth is None:
        return False
    return worth.best_ask is None or worth.sellable <= below(worth.best_ask, settings.exit_gap_pct)


def reference_of(average_price: Decimal, worth: Worth, settings: ExitSettings) -> Decimal:
    """Return the price from which the stop of a position that was just bought is measured.

    It is the price paid, less the spread: where bids are far below asks from the first, a distance to the bid is no
    loss. Where bid and ask have fallen together it is one. No more than `stop_spread_pct_max` counts as spread.
    """
    if worth.best_ask is None:
        return average_price
    with localcontext(CAREFUL):
        share = min(Decimal(1), worth.sellable / worth.best_ask)
        return average_price * max(share, 1 - settings.stop_spread_pct_max / _HUNDRED)


def shows_stop(watched: WatchedPosition, price: Decimal, now: datetime) -> bool:
    """Return whether a stop of *watched* is due at *price*; not before a look has set its reference."""
    if watched.position.state is not PositionState.OPEN or watched.position.stop_reference is None:
        return False
    inputs = ExitInputs(Worth(price, price, price, price, price), close_requested=False, now=now)
    return exit_due(watched.position, inputs, watched.policy) in STOPS


def _stop_reference(position: Position) -> Decimal:
    return position.average_price if position.stop_reference is None else position.stop_reference


def _has_fallen(price: Decimal | None, reference: Decimal, percent: Decimal | None) -> bool:
    return price is not None and percent is not None and price <= below(reference, percent)


def above(price: Decimal, percent: Decimal) -> Decimal:
    """Return *price* and *percent* of it."""
    with localcontext(CAREFUL):
        return price * (1 + percent / _HUNDRED)


def below(price: Decimal, percent: Decimal) -> Decimal:
    """Return *price* less *percent* of it."""
    with localcontext(CAREFUL):
        return price * (1 - percent / _HUNDRED)
