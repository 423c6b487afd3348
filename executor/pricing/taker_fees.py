"""The fee for taking that orders are reckoned with: the highest that settings, rules and charges of the exchange say.

A purchase spends its money less this fee. Too low a fee takes it over its limit, too high a one spends a little less.
"""

import time
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Final

from executor.model.fill import Fill
from executor.model.money import CAREFUL
from executor.model.order import Order
from shared.events import TradingRules

LATELY_SECONDS: Final = 24 * 3600.0
"""How long a fee counts where it was not expected: no rules are known, or they were not kept to."""
RENEWED_SECONDS: Final = 600.0
"""Rules that tell the highest fee again within so many seconds tell no news."""
FEE_MAX: Final = Decimal("0.1")
"""As a ratio. Beyond it a figure is no fee."""
_ROUNDED: Final = Decimal("1.001")
"""By which factor roundings of the exchange may raise a fee at most."""
_NEVER: Final = float("inf")


class TakerFees:
    """One memory for all orders."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told = _Highest()
        self._charged = _Highest()

    def of(self, rules: TradingRules | None, configured: Decimal) -> Decimal:
        """Return what an order under *rules* may be charged: where they do not say, as much as any lately."""
        now = self._clock()
        if now > self._charged.until or now > self._told.until:  # Orders wait for this, and it is rare.
            self._charged.forget_old(now)
            self._told.forget_old(now)
        told = None if rules is None else rules.taker_fee
        if told is None or told > FEE_MAX:
            told = self._told.fee
        elif told > self._told.fee or (told == self._told.fee and now > self._told.renew_at):
            self._told.learn(told, now)
        return max(configured, told, self._charged.fee)

    def charged(self, order: Order, fill: Fill, rules: TradingRules | None, configured: Decimal) -> str:
        """Take note of the fee of *fill*; return what is wrong with it where it was more than was reckoned with."""
        reckoned = self.of(rules, configured)
        expected = max(configured, Decimal(0) if rules is None else rules.taker_fee or Decimal(0))
        fee = fill.fees.get(order.listing.quote_asset, Decimal(0))
        with localcontext(CAREFUL):
            if not fill.cost or fee <= fill.cost * min(reckoned, expected) * _ROUNDED:
                return ""
            ratio = fee / fill.cost
            is_told = fee <= fill.cost * reckoned * _ROUNDED
        self._charged.learn(min(ratio, FEE_MAX), self._clock())
        if is_told:
            return ""
        return (
            f"{order.symbol} was charged a fee of {ratio * 100:.4f} % where {reckoned * 100:f} % was reckoned with;"
            " purchases reckon with it from now on: set SNIPER_EXECUTOR_TAKER_FEE"
        )

    def is_raised(self) -> bool:
        """Return whether purchases still reckon with what was charged beyond what was expected."""
        self._charged.forget_old(self._clock())
        return self._charged.fee > 0


class _Highest:
    """The highest fee of late. It is looked at for every order, and costs nothing there."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, Decimal]] = []
        """Each higher than all that came after it."""
        self.fee = Decimal(0)
        self.until = self.renew_at = _NEVER

    def learn(self, fee: Decimal, now: float) -> None:
        self._seen = [each for each in self._seen if each[1] > fee]
        self._seen.append((now, fee))
        self.forget_old(now)

    def forget_old(self, now: float) -> None:
        """Forget what is not of late any more."""
        self._seen = [each for each in self._seen if now - each[0] <= LATELY_SECONDS]
        self.fee, self.until, self.renew_at = Decimal(0), _NEVER, _NEVER
        if self._seen:
            seen_at, self.fee = self._seen[0]
            self.until, self.renew_at = seen_at + LATELY_SECONDS, seen_at + RENEWED_SECONDS
