"""What fills are charged is held against what was reckoned with: more raises that, and a person is told once."""

from executor.alarms import Alarm
from executor.books import Told
from executor.known_rules import KnownRules
from executor.order import Order
from executor.reasons import Reason
from executor.settings import EntrySettings


class Charges:
    def __init__(self, known: KnownRules, settings: EntrySettings, alarm: Alarm) -> None:
        self._known = known
        self._settings = settings
        self._alarm = alarm

    def mind(self, order: Order, told: Told) -> None:
        """Take note of what is *told* of *order*, where that is a fill of which the exchange told the fee."""
        if told.fill is None or (told.reason or "").startswith(Reason.FEE_ASSUMED):
            return
        rules = self._known.latest(order.listing)
        wrong = self._known.fees.charged(order, told.fill, rules, self._settings.taker_fee)
        if wrong:
            self._alarm("taker fee", wrong)
