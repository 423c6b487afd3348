"""Exit decision on one look at a position: its stop's reference and peak, the reason to sell it, and the least price.

Pure but for the memory between looks.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_UP, Context, Decimal
from typing import Final

from executor.decisions.consecutive_looks import Streaks
from executor.decisions.exit_triggers import (
    GAINS,
    STOPS,
    ExitInputs,
    exit_due,
    floor_of,
    ladder_sale_due,
    needs_confirmation,
    reference_of,
    shows_stop,
)
from executor.decisions.take_profit_ladder import LadderSale
from executor.model import ExitReason, Position, PositionState, WatchedPosition
from executor.pricing import Quote, Worth, is_decided_by_the_best_bid, is_worth_selling, worth_of
from executor.settings import ExecutorSettings
from shared.events import TradingRules
from shared.mexc.payloads import Level

DELISTED_LOOKS: Final = 3
CROSSED_LOOKS: Final = 5
"""A book that is crossed in so many looks in a row becomes an objection."""
_KEPT: Final = Context(prec=18, rounding=ROUND_DOWN)
_FLOOR: Final = Context(prec=18, rounding=ROUND_UP)
_WATCHED: Final = frozenset({PositionState.OPEN, PositionState.CLOSING})
_DUE, _GAIN, _UNBID, _SMALL, _UNKNOWN, _CROSSED = "due", "gain", "unbid", "small", "unknown", "crossed"


@dataclass(frozen=True, slots=True)
class LookTime:
    """The time of a look: durations by one clock, times of day by the other."""

    seconds: float
    now: datetime


@dataclass(frozen=True, slots=True)
class ExitDecision:
    """The decision that follows from a look at a position."""

    position: Position
    """With its present reference and peak."""
    reason: ExitReason | None = None
    """Why it is to be sold now."""
    price_min: Decimal = Decimal(0)
    quantity: Decimal | None = None
    """Of the coin; None: all of it."""
    is_urgent: bool = False
    """Another look soon decides."""
    seems_dust: bool = False
    """By the book it has been below the minimum for long enough; the last trade decides."""
    reopens: bool = False
    """It was not worth watching, and is now."""
    objection: str = ""
    """Why it cannot be sold although it is due."""
    is_unbid: bool = False
    """Nothing was bid, which says nothing of whether it is due."""

    @property
    def is_calm(self) -> bool:
        """Return whether nothing is due, and nothing is open that a look soon after would decide."""
        return self.reason is None and not (self.is_urgent or self.seems_dust or self.reopens)

    def has_learned(self, before: Position) -> bool:
        """Return whether the stop's reference or the peak differ from *before*."""
        return (self.position.stop_reference, self.position.peak_price) != (before.stop_reference, before.peak_price)


class ExitEvaluator:
    def __init__(self, settings: ExecutorSettings) -> None:
        self._settings = settings
        self._streaks = Streaks(min(settings.stop_confirm_seconds, settings.exit_check_seconds) / 2)
        self._young_since: dict[str, float] = {}

    def evaluate(
        self,
        watched: WatchedPosition,
        quote: Quote,
        rules: TradingRules | None,
        time: LookTime,
        *,
        push: int | None = None,
    ) -> ExitDecision:
        """Return the decision on *watched* by *quote*, which push number *push* of a stream brought, unless None."""
        settings, name = self._settings, watched.name
        self._streaks.reset(name, _UNKNOWN)
        worth = worth_of(quote, watched.position.base_qty, settings.exit_depth_pct, settings.taker_fee)
        if watched.position.state not in _WATCHED:
            is_worth = worth is not None and not worth.is_crossed and _is_worth(watched.position, worth.whole, rules)
            return ExitDecision(watched.position, reopens=is_worth)
        seems_dust = self._seems_dust(watched.position, quote, rules, time)
        if worth is None:
            streak = self._streaks.seen(name, _UNBID, time.seconds)
            # One look at an empty book says nothing.
            lasts = streak.is_confirmed(settings.stop_confirmations) and not self._streaks.has(name, _SMALL)
            objection = f"no bids for {name}" if lasts else ""
            return ExitDecision(watched.position, seems_dust=seems_dust, objection=objection, is_unbid=True)
        self._streaks.reset(name, _UNBID)
        # A crossed book holds bids that may not be there: they raise neither the peak nor the stop's reference.
        position = watched.position if worth.is_crossed else self._with_reference(watched.position, worth, time)
        inputs = _inputs(watched, worth, ladder_sale_due(position, quote, rules, watched.policy, settings), time)
        watched = watched if position is watched.position else replace(watched, position=position)
        decision = self._due(watched, inputs, rules, time, ExitDecision(position, seems_dust=seems_dust), push)
        objection = decision.objection or self._crossed(position, worth, time)
        return decision if objection == decision.objection else replace(decision, objection=objection)

    def saw_stop(self, watched: WatchedPosition, price: Decimal, time: LookTime, *, push: int) -> bool:
        """Count push number *push* where it shows a stop of *watched* due at *price*; return whether it does."""
        if is_due := shows_stop(watched, price, time.now):
            self._streaks.seen(watched.name, _DUE, time.seconds, push=push)
        return is_due

    def is_settled(self, watched: WatchedPosition, top: Quote, time: LookTime, *, by_stream: bool = False) -> bool:
        """Return whether the best prices alone decide: the book would change nothing.

        They do where the best bid takes all of it, or where it takes the share that stops are judged by, nothing is
        due and no new peak is reached. A stop that is due by the best bid is due by the book as well, which is read
        when it is confirmed; not *by_stream* where the best bid takes that share: the floor is enough.
        """
        position, reference = watched.position, watched.position.stop_reference
        if position.state is not PositionState.OPEN:
            return False
        if top.bids and top.bids[0].quantity >= position.base_qty:
            return True
        if reference is None or not top.bids:
            return reference is not None
        bid, settings = top.bids[0].price, self._settings
        worth = Worth(bid, bid, bid, bid, bid, top.best_ask)
        if self._is_young(position, time) and reference_of(position.average_price, worth, settings) > reference:
            return False
        endless = Quote((Level(bid, position.base_qty),), top.asks)
        ladder = ladder_sale_due(position, endless, position.listing.rules, watched.policy, settings)
        reason = exit_due(position, _inputs(watched, worth, ladder, time), watched.policy)
        is_decided = is_decided_by_the_best_bid(top, position.base_qty, settings.exit_depth_pct)
        if reason in STOPS:
            is_first = settings.stop_confirmations > 1 and not self._streaks.has(watched.name, _DUE)
            return is_first or (by_stream and is_decided)
        return is_decided and bid <= position.peak_price and reason is None

    def is_gone(self, watched: WatchedPosition, time: LookTime) -> bool:
        """Count a look in which the exchange did not know the symbol; return whether it is delisted for good."""
        streak = self._streaks.seen(watched.name, _UNKNOWN, time.seconds)
        return streak.is_confirmed(DELISTED_LOOKS, self._settings.delisted_seconds)

    def is_dust_at(self, position: Position, price: Decimal | None, rules: TradingRules | None) -> bool:
        """Return whether *position* is dust by the last trade, too; else the looks before prove nothing."""
        is_dust = price is None or not _is_worth(position, price, rules)
        if not is_dust:
            self._streaks.reset(position.name, _SMALL)
        return is_dust

    def forget_all_but(self, names: Collection[str]) -> None:
        """Forget positions that are not held any more."""
        self._streaks.forget_all_but(names)
        self._young_since = {name: since for name, since in self._young_since.items() if name in names}

    def _due(
        self,
        watched: WatchedPosition,
        inputs: ExitInputs,
        rules: TradingRules | None,
        time: LookTime,
        decision: ExitDecision,
        push: int | None,
    ) -> ExitDecision:
        """Return *decision* with the sale that is due, once that is confirmed."""
        position, settings, worth = watched.position, self._settings, inputs.worth
        reason = exit_due(position, inputs, watched.policy)
        # One look at a book is enough for a gain, but no single push of a stream.
        seen = _GAIN if push is not None and reason in GAINS else _DUE
        waits = reason is not None and (seen == _GAIN or needs_confirmation(reason, worth, settings))
        if worth is None or not worth.is_crossed:
            self._streaks.contradict(watched.name, {_DUE, _GAIN} - ({seen} if waits else set()), time.seconds, push)
        if waits and not self._is_confirmed(watched.name, seen, time, push):
            return replace(decision, is_urgent=True)
        if reason is None:
            return decision
        part = inputs.ladder.quantity if reason is ExitReason.TAKE_PROFIT_STEP and inputs.ladder else None
        quantity = position.base_qty if part is None else part
        price_min = _FLOOR.plus(floor_of(reason, position, inputs, watched.policy, settings))
        if worth is not None and not is_worth_selling(quantity, price_min, rules):
            # So little that the exchange would not take it with the slippage off: at the average, or not at all.
            price_min = max(price_min, _FLOOR.plus(worth.average))
        # Where bids are unknown, only an order shows whether there is one.
        if is_worth_selling(quantity, price_min, rules) and (worth is None or worth.best_bid >= price_min):
            return replace(decision, reason=reason, price_min=price_min, quantity=part)
        is_small = self._streaks.has(watched.name, _SMALL)
        objection = "" if is_small else f"{watched.name} is to be sold ({reason}), and no bid is worth a sale"
        return replace(decision, objection=objection)

    def _is_confirmed(self, name: str, what: str, time: LookTime, push: int | None) -> bool:
        """Count one more look or push at which an exit is due; return whether it may sell."""
        streak = self._streaks.seen(name, what, time.seconds, push=push)
        looks, pushes = self._settings.stop_confirmations, self._settings.stream_confirmations
        is_alone = push is not None and streak.looks < min(2, pushes)
        return streak.pushes >= pushes or (streak.is_confirmed(looks) and not is_alone)

    def _crossed(self, position: Position, worth: Worth, time: LookTime) -> str:
        """Return the objection of a book that stays crossed: no gain is taken by it."""
        if not worth.is_crossed:
            self._streaks.reset(position.name, _CROSSED)
            return ""
        streak = self._streaks.seen(position.name, _CROSSED, time.seconds)
        return f"the book of {position.name} is crossed" if streak.is_confirmed(CROSSED_LOOKS) else ""

    def _with_reference(self, position: Position, worth: Worth, time: LookTime) -> Position:
        """Return *position* with the reference of its stop, and with its peak, as this look leaves them."""
        reference, peak = position.stop_reference, position.peak_price
        if reference is None or self._is_young(position, time):
            self._young_since.setdefault(position.name, time.seconds)
            found = reference_of(position.average_price, worth, self._settings)
            if reference is None and peak <= position.average_price:
                peak = found  # Nothing was bid for it yet: the peak was only ever paid.
            reference = found if reference is None else max(reference, found)
        reference, peak = _KEPT.plus(reference), _KEPT.plus(max(peak, reference, worth.whole))
        is_known = (reference, peak) == (position.stop_reference, position.peak_price)
        return position if is_known else replace(position, stop_reference=reference, peak_price=peak)

    def _is_young(self, position: Position, time: LookTime) -> bool:
        since = self._young_since.get(position.name)
        return since is not None and time.seconds - since <= self._settings.stop_grace_seconds

    def _seems_dust(self, position: Position, quote: Quote, rules: TradingRules | None, time: LookTime) -> bool:
        """Return whether it has long been below the minimum at the middle of the book, else at the price paid."""
        fair = position.average_price if quote.middle is None else quote.middle
        if _is_worth(position, fair, rules):
            self._streaks.reset(position.name, _SMALL)
            return False
        streak = self._streaks.seen(position.name, _SMALL, time.seconds)
        return streak.is_confirmed(self._settings.dust_looks, self._settings.dust_seconds)


def _is_worth(position: Position, price: Decimal, rules: TradingRules | None) -> bool:
    """Return whether the exchange would take a sale of all of it at *price*."""
    return is_worth_selling(position.base_qty, price, rules)


def _inputs(watched: WatchedPosition, worth: Worth, ladder: LadderSale | None, time: LookTime) -> ExitInputs:
    return ExitInputs(worth, watched.close_requested, time.now, watched.floor, watched.begun_by, ladder)
