"""Judge a look at a position: its stop's reference and peak, whether it is to be sold, and for how much at least.

No I/O: the sights of a look come in, and the memory between looks stays in here.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_UP, Context, Decimal
from typing import Final

from executor.decisions.consecutive_looks import Streaks
from executor.decisions.exit_rules import (
    STOPS,
    ExitInputs,
    above,
    exit_due,
    floor_of,
    floor_of_gain,
    needs_confirmation,
    reference_of,
    rest_price_of,
)
from executor.decisions.take_profit_ladder import LadderSale, sellable, steps_left
from executor.model.order import ExitReason
from executor.model.position import Position, PositionState
from executor.model.watched_position import WatchedPosition
from executor.pricing.valuation import Quote, Worth, is_decided_by_the_best_bid, is_worth_selling, worth_of
from executor.settings import ExecutorSettings
from shared.events import TradingRules
from shared.mexc.payloads import Level

DELISTED_LOOKS: Final = 3
CROSSED_LOOKS: Final = 5
"""A person is told of a book that is crossed in so many looks in a row."""
_KEPT: Final = Context(prec=18, rounding=ROUND_DOWN)
_FLOOR: Final = Context(prec=18, rounding=ROUND_UP)
_WATCHED: Final = frozenset({PositionState.OPEN, PositionState.CLOSING})
_DUE, _UNBID, _SMALL, _UNKNOWN, _CROSSED = "due", "unbid", "small", "unknown", "crossed"


@dataclass(frozen=True, slots=True)
class LookTime:
    """When a look was taken: durations by one clock, times of day by the other."""

    seconds: float
    now: datetime


@dataclass(frozen=True, slots=True)
class ExitDecision:
    """What follows from a look at a position."""

    position: Position
    """With its reference and its peak as they are now."""
    reason: ExitReason | None = None
    """Why it is to be sold now."""
    price_min: Decimal = Decimal(0)
    quantity: Decimal | None = None
    """Of the coin; None: all of it."""
    is_urgent: bool = False
    """Another look soon decides."""
    seems_dust: bool = False
    """By the book it has been below the minimum for long enough; the last trade has the last word."""
    reopens: bool = False
    """It was not worth watching, and is now."""
    objection: str = ""
    """Why it cannot be sold although it is due."""

    @property
    def is_calm(self) -> bool:
        """Return whether nothing is due, and nothing is left open that a look soon after would decide."""
        return self.reason is None and not (self.is_urgent or self.seems_dust or self.reopens)

    def has_learned(self, before: Position) -> bool:
        """Return whether there is anything to keep of it."""
        known = before.stop_reference, before.peak_price
        return known != (self.position.stop_reference, self.position.peak_price)


class ExitEvaluator:
    def __init__(self, settings: ExecutorSettings) -> None:
        self._settings = settings
        self._streaks = Streaks(min(settings.stop_confirm_seconds, settings.exit_check_seconds) / 2)
        self._young: dict[str, float] = {}

    def evaluate(
        self, watched: WatchedPosition, quote: Quote, rules: TradingRules | None, time: LookTime
    ) -> ExitDecision:
        """Return what follows from *quote* for *watched*."""
        settings, name = self._settings, watched.name
        self._streaks.broken(name, _UNKNOWN)
        worth = worth_of(quote, watched.position.base_qty, settings.exit_depth_pct, settings.taker_fee)
        if watched.position.state not in _WATCHED:
            reopens = (
                worth is not None and not worth.is_crossed and self._is_worth(watched.position, worth.whole, rules)
            )
            return ExitDecision(watched.position, reopens=reopens)
        seems_dust = self._seems_dust(watched.position, quote, rules, time)
        if worth is None:
            return replace(self._unbid(watched, time), seems_dust=seems_dust)
        self._streaks.broken(name, _UNBID)
        # A crossed book holds bids that may not be there: they make nothing dearer than it is known to be.
        position = watched.position if worth.is_crossed else self._learned(watched.position, worth, time)
        watched = replace(watched, position=position)
        seen = _seen(watched, worth, self._ladder_sale(watched, quote, rules), time)
        decision = self._due(watched, seen, rules, time, seems_dust=seems_dust)
        return replace(decision, objection=decision.objection or self._crossed(position, worth, time))

    def is_settled(self, watched: WatchedPosition, top: Quote, time: LookTime) -> bool:
        """Return whether the best prices alone decide: the book would change nothing.

        They do where the best bid takes all of it, or where it takes the share that stops are judged by, nothing is
        due and no new peak is reached. A stop that is due by the best bid is due by the book as well, which is read
        when it is confirmed.
        """
        position = watched.position
        if position.state is not PositionState.OPEN:
            return False
        if top.bids and top.bids[0].quantity >= position.base_qty:
            return True
        if position.stop_reference is None:
            return False
        return not top.bids or self._is_settled_by_a_part(watched, top, position.stop_reference, time)

    def _is_settled_by_a_part(self, watched: WatchedPosition, top: Quote, reference: Decimal, time: LookTime) -> bool:
        position, settings, bid = watched.position, self._settings, top.bids[0].price
        worth = Worth(bid, bid, bid, bid, bid, top.best_ask)
        if self._is_young(position, time) and reference_of(position.average_price, worth, settings) > reference:
            return False
        endless = Quote((Level(bid, position.base_qty),), top.asks)
        seen = _seen(watched, worth, self._ladder_sale(watched, endless, position.listing.rules), time)
        reason = exit_due(position, seen, watched.policy)
        if reason in STOPS:
            return settings.stop_confirmations > 1 and not self._streaks.has(watched.name, _DUE)
        if not is_decided_by_the_best_bid(top, position.base_qty, settings.exit_depth_pct):
            return False
        return bid <= position.peak_price and reason is None

    def is_gone(self, watched: WatchedPosition, time: LookTime) -> bool:
        """Take note that the exchange did not know the symbol; return whether that is so for good."""
        streak = self._streaks.seen(watched.name, _UNKNOWN, time.seconds)
        return streak.is_confirmed(DELISTED_LOOKS, self._settings.delisted_seconds)

    def is_dust_at(self, position: Position, price: Decimal | None, rules: TradingRules | None) -> bool:
        """Return whether *position* is dust by the last trade, too; else what was seen before proves nothing."""
        is_dust = price is None or not self._is_worth(position, price, rules)
        if not is_dust:
            self._streaks.broken(position.name, _SMALL)
        return is_dust

    def forget_all_but(self, names: Collection[str]) -> None:
        """Forget positions that are not held any more."""
        self._streaks.forget_all_but(names)
        self._young = {name: time for name, time in self._young.items() if name in names}

    def _due(
        self,
        watched: WatchedPosition,
        seen: ExitInputs,
        rules: TradingRules | None,
        time: LookTime,
        *,
        seems_dust: bool,
    ) -> ExitDecision:
        position, settings = watched.position, self._settings
        decision = ExitDecision(position, seems_dust=seems_dust)
        reason = exit_due(position, seen, watched.policy)
        if reason is None or not needs_confirmation(reason, seen.worth, settings):
            if seen.worth is None or not seen.worth.is_crossed:
                self._streaks.broken(watched.name, _DUE)
        elif not self._streaks.seen(watched.name, _DUE, time.seconds).is_confirmed(settings.stop_confirmations):
            return replace(decision, is_urgent=True)
        if reason is None:
            return decision
        part = seen.ladder.quantity if reason is ExitReason.TAKE_PROFIT_STEP and seen.ladder else None
        quantity = position.base_qty if part is None else part
        price_min = _FLOOR.plus(floor_of(reason, position, seen, watched.policy, settings))
        if seen.worth is not None and not is_worth_selling(quantity, price_min, rules):
            # So little that the exchange would not take it with the slippage off: at the average, or not at all.
            price_min = max(price_min, _FLOOR.plus(seen.worth.average))
        if is_worth_selling(quantity, price_min, rules) and _finds_a_bid(seen, price_min):
            return replace(decision, reason=reason, price_min=price_min, quantity=part)
        is_small = self._streaks.has(watched.name, _SMALL)
        objection = "" if is_small else f"{watched.name} is to be sold ({reason}), and no bid is worth a sale"
        return replace(decision, objection=objection)

    def _ladder_sale(self, watched: WatchedPosition, quote: Quote, rules: TradingRules | None) -> LadderSale | None:
        """Return the highest step of the ladder that is not done and whose quantity *quote* pays for.

        None while a sale is under way, of which it is not known yet what it leaves.
        """
        position, policy, settings = watched.position, watched.policy, self._settings
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

    def _unbid(self, watched: WatchedPosition, time: LookTime) -> ExitDecision:
        """An empty book for one look is nothing; for longer, a person should know that it cannot be sold."""
        streak = self._streaks.seen(watched.name, _UNBID, time.seconds)
        matters = streak.is_confirmed(self._settings.stop_confirmations) and not self._streaks.has(watched.name, _SMALL)
        return ExitDecision(watched.position, objection=f"no bids for {watched.name}" if matters else "")

    def _crossed(self, position: Position, worth: Worth, time: LookTime) -> str:
        """Return what a person should know of a book that stays crossed: no gain is taken by it."""
        if not worth.is_crossed:
            self._streaks.broken(position.name, _CROSSED)
            return ""
        streak = self._streaks.seen(position.name, _CROSSED, time.seconds)
        return f"the book of {position.name} is crossed" if streak.is_confirmed(CROSSED_LOOKS) else ""

    def _learned(self, position: Position, worth: Worth, time: LookTime) -> Position:
        """Return *position* with what its stop is measured from, and with its peak, as this look leaves them."""
        reference, peak = position.stop_reference, position.peak_price
        if reference is None or self._is_young(position, time):
            self._young.setdefault(position.name, time.seconds)
            found = reference_of(position.average_price, worth, self._settings)
            if reference is None and peak <= position.average_price:
                peak = found  # Nothing was bid for it yet: the peak was only ever paid.
            reference = found if reference is None else max(reference, found)
        highest = max(peak, reference, worth.whole)
        return replace(position, stop_reference=_KEPT.plus(reference), peak_price=_KEPT.plus(highest))

    def _is_young(self, position: Position, time: LookTime) -> bool:
        first_seen = self._young.get(position.name)
        return first_seen is not None and time.seconds - first_seen <= self._settings.stop_grace_seconds

    def _seems_dust(self, position: Position, quote: Quote, rules: TradingRules | None, time: LookTime) -> bool:
        """Return whether it has long been below the minimum at the middle of the book, else at the price paid."""
        fair = position.average_price if quote.middle is None else quote.middle
        if self._is_worth(position, fair, rules):
            self._streaks.broken(position.name, _SMALL)
            return False
        streak = self._streaks.seen(position.name, _SMALL, time.seconds)
        return streak.is_confirmed(self._settings.dust_looks, self._settings.dust_seconds)

    def _is_worth(self, position: Position, price: Decimal, rules: TradingRules | None) -> bool:
        """Return whether the exchange would take a sale of all of it at *price*."""
        return is_worth_selling(position.base_qty, price, rules)


def _seen(watched: WatchedPosition, worth: Worth, ladder: LadderSale | None, time: LookTime) -> ExitInputs:
    return ExitInputs(worth, watched.close_requested, time.now, watched.floor, watched.begun_by, ladder)


def _finds_a_bid(seen: ExitInputs, price_min: Decimal) -> bool:
    """Return whether anything would be sold at *price_min*; where bids are not known, that has to be tried."""
    return seen.worth is None or seen.worth.best_bid >= price_min
