"""The fee for taking that orders are reckoned with: the highest that settings, rules and charges of the exchange say.

A purchase spends its money less this fee. Too low a fee takes it over its limit, too high a one spends a little less.
"""

import time
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Final

from executor.fills import Fill
from executor.limits import CAREFUL
from executor.order import Order
from shared.events import TradingRules

LATELY_SECONDS: Final = 24 * 3600.0
"""How long a fee counts where it was not expected: no rules are known, or they were not kept to."""
FEE_MAX: Final = Decimal("0.1")
"""As a ratio. Beyond it a figure is no fee."""
_ROUNDED: Final = Decimal("1.001")
"""By which factor roundings of the exchange may raise a fee at most."""


class TakerFees:
    """One memory for all orders."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._told = _Highest(clock)
        self._charged = _Highest(clock)

    def of(self, rules: TradingRules | None, configured: Decimal) -> Decimal:
        """Return what an order under *rules* may be charged: where they do not say, as much as any lately."""
        told = None if rules is None else rules.taker_fee
        if told is None or told > FEE_MAX:
            told = self._told.fee
        elif told > self._told.fee:
            self._told.learn(told)
        return max(configured, told, self._charged.fee)

    def charged(self, order: Order, fill: Fill, rules: TradingRules | None, configured: Decimal) -> str:
        """Take note of the fee of *fill*; return what is wrong with it where it was more than was reckoned with."""
        reckoned = self.of(rules, configured)
        fee = fill.fees.get(order.listing.quote_asset, Decimal(0))
        with localcontext(CAREFUL):
            if not fill.cost or fee <= fill.cost * reckoned * _ROUNDED:
                return ""
            ratio = fee / fill.cost
        self._charged.learn(min(ratio, FEE_MAX))
        return (
            f"{order.symbol} was charged a fee of {ratio * 100:.4f} % where {reckoned * 100:f} % was reckoned with;"
            " purchases reckon with it from now on: set SNIPER_EXECUTOR_TAKER_FEE"
        )


class _Highest:
    """The highest fee of late. It is looked at for every order, and costs nothing there."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: list[tuple[float, Decimal]] = []
        """Each higher than all that came after it."""
        self.fee = Decimal(0)

    def learn(self, fee: Decimal) -> None:
        now = self._clock()
        self._seen = [each for each in self._seen if each[1] > fee and now - each[0] <= LATELY_SECONDS]
        self._seen.append((now, fee))
        self.fee = self._seen[0][1]
