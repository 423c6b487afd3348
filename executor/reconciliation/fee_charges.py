"""Fee charges: compare the fees of fills with the expected fee; a higher one raises it, and one alarm."""

from decimal import Decimal
from typing import Final

from executor.alarms import Alarm
from executor.market_data.symbol_rules import SymbolRules
from executor.model import Order, OrderUpdate, Reason
from executor.settings import EntrySettings
from shared.events import Mode

COST_MIN: Final = Decimal(1)
"""In the quote asset. The fee of less is mostly rounding."""
_SOURCE: Final = "taker fee"


class FeeCharges:
    def __init__(self, known: SymbolRules, settings: EntrySettings, alarm: Alarm) -> None:
        self._known = known
        self._settings = settings
        self._alarm = alarm

    def check(self, order: Order, update: OrderUpdate) -> None:
        """Check the fee of the fill in *update*, where the exchange named it."""
        fees, wrong = self._known.fees, ""
        is_assumed = update.reason in {Reason.FEE_ASSUMED, Reason.SETTLED_BY_HAND}
        is_charged = order.mode is Mode.LIVE and not is_assumed
        if update.fill is not None and is_charged and update.fill.cost >= COST_MIN:
            wrong = fees.charged(order, update.fill, self._known.latest(order.listing), self._settings.taker_fee)
        if wrong:
            self._alarm(_SOURCE, wrong)
        elif not fees.is_raised():
            self._alarm(_SOURCE, "")
