"""Expected taker fee of orders: the highest of the settings, the rules and the recent charges of the exchange.

A purchase spends its money less this fee. Too low a fee takes it over its limit, too high a one spends a little less.
"""

import time
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Final

from executor.model import CAREFUL, Fill, Order
from shared.events import TradingRules

LATELY_SECONDS: Final = 24 * 3600.0
"""How long an unexpected fee counts: one without known rules, or above them."""
RENEWED_SECONDS: Final = 600.0
"""Rules that name the highest fee again within so many seconds are no news."""
FEE_MAX: Final = Decimal("0.1")
"""As a ratio. Beyond it a figure is no fee."""
_ROUNDED: Final = Decimal("1.001")
"""The factor by which roundings of the exchange may raise a fee at most."""
_NEVER: Final = float("inf")


class TakerFees:
    """One memory for all orders."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._announced = _HighestFee()
        self._charged = _HighestFee()

    def of(self, rules: TradingRules | None, configured: Decimal) -> Decimal:
        """Return the fee to expect for an order under *rules*; where they name none, the highest of late."""
        now = self._clock()
        if now > self._charged.until or now > self._announced.until:  # Orders wait for this, and it is rare.
            self._charged.forget_old(now)
            self._announced.forget_old(now)
        named = None if rules is None else rules.taker_fee
        if named is None or named > FEE_MAX:
            named = self._announced.fee
        elif named > self._announced.fee or (named == self._announced.fee and now > self._announced.renew_at):
            self._announced.learn(named, now)
        return max(configured, named, self._charged.fee)

    def charged(self, order: Order, fill: Fill, rules: TradingRules | None, configured: Decimal) -> str:
        """Record the fee of *fill*; return the alarm text where it was more than expected."""
        estimated = self.of(rules, configured)
        expected = max(configured, Decimal(0) if rules is None else rules.taker_fee or Decimal(0))
        fee = fill.fees.get(order.listing.quote_asset, Decimal(0))
        with localcontext(CAREFUL):
            if not fill.cost or fee <= fill.cost * min(estimated, expected) * _ROUNDED:
                return ""
            ratio = fee / fill.cost
            is_expected = fee <= fill.cost * estimated * _ROUNDED
        self._charged.learn(min(ratio, FEE_MAX), self._clock())
        if is_expected:
            return ""
        return (
            f"{order.symbol} was charged a fee of {ratio * 100:.4f} % where {estimated * 100:f} % was reckoned with;"
            " purchases reckon with it from now on: set SNIPER_EXECUTOR_TAKER_FEE"
        )

    def is_raised(self) -> bool:
        """Return whether purchases still expect a fee that was charged beyond the rules."""
        self._charged.forget_old(self._clock())
        return self._charged.fee > 0


class _HighestFee:
    """The highest fee of late, in attributes that every order reads without a computation."""

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
        """Forget fees that are too old."""
        self._seen = [each for each in self._seen if now - each[0] <= LATELY_SECONDS]
        self.fee, self.until, self.renew_at = Decimal(0), _NEVER, _NEVER
        if self._seen:
            seen_at, self.fee = self._seen[0]
            self.until, self.renew_at = seen_at + LATELY_SECONDS, seen_at + RENEWED_SECONDS
