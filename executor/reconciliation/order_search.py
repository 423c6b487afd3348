"""Search for one order: the ways tried, the findings since, and the back-off. Kept in memory. Pure."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from executor.model import Fill, Order, is_named_apart
from executor.settings import ExecutorSettings
from executor.venues.venue import EVERY_WAY, Way, ways_due
from shared.events import Mode, Side

CLOCK_MARGIN: Final = timedelta(milliseconds=250)
"""Added where the exchange's clock decides."""
QUICK_SECONDS: Final = 0.25
"""Between look-ups of an order that has to be settled soon."""
FIRST_WAIT_SECONDS: Final = 0.05
WAIT_SECONDS_MAX: Final = 2.0
UNTOLD_SECONDS: Final = 5.0
"""Between look-ups of an order whose trades do not add up for long: each takes several requests."""
HINTS_MAX: Final = 20
"""Look-ups of one order that pushes may ask for, beside its own: a stream that floods costs no more."""
REFUSED_SECONDS: Final = 10.0
"""Before the heavy ways are tried again after a refusal, which proved nothing."""


@dataclass(frozen=True, slots=True)
class SearchDeadlines:
    """Deadlines of an order, after which its absence proves something."""

    sent_by: datetime
    """The last request of it that any sender may have begun is over."""
    arrived_by: datetime
    """It would be visible, had it been sent."""
    overdue_at: datetime
    """Its outcome should be known."""


@dataclass(slots=True)
class OrderSearch:
    due_at: float
    """By the clock of the loop."""
    wait_seconds: float = FIRST_WAIT_SECONDS
    tried: dict[Way, datetime] = field(default_factory=dict)
    answered: dict[Way, datetime] = field(default_factory=dict)
    """Ways that did not show the order, by time."""
    refused_at: datetime | None = None
    """The time of the last look-up by the heavy ways that was not answered."""
    open_since: datetime | None = None
    unclear: tuple[Decimal | None, datetime] | None = None
    """The quantity executed under an unknown status, and the time since which it has not changed."""
    untold: tuple[Fill, datetime] | None = None
    """Its fill by its own figures, and the time since which its trades have not added up."""
    cancelled_at: datetime | None = None
    unsold_since: datetime | None = None
    """The time since which the coins of a sale are all there, although it could not arrive any more."""
    obstacle: str = ""
    """The result of the last look-up."""
    hints: int = 0
    """The number of look-ups that a push asked for."""
    is_hinted: bool = False
    """A push asks for a look-up now, beside the back-off."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Serialises look-ups of the order."""

    def ways(self, order: Order, deadlines: SearchDeadlines, now: datetime) -> Sequence[Way]:
        """Return the ways by which to look up *order* now."""
        if self.untold is not None or self.unclear or self.open_since:
            return EVERY_WAY  # Perhaps only a heavy way shows it.
        is_due_again = self.refused_at is not None and abs(now - self.refused_at) >= timedelta(seconds=REFUSED_SECONDS)
        due = EVERY_WAY if is_due_again else ways_due(self.tried, order.decided_at, deadlines.arrived_by, now)
        return [way for way in due if way is not Way.BALANCE or order.side is Side.SELL]

    def hint(self) -> bool:
        """Ask for a look-up beside the back-off; return whether it follows."""
        if self.hints >= HINTS_MAX:
            return False
        if not self.is_hinted:
            self.hints += 1
            self.is_hinted = True
        return True

    def missed(self, ways: Sequence[Way], now: datetime) -> None:
        """Record that none of *ways* showed the order."""
        self.answered |= dict.fromkeys(ways, now)
        if Way.TRADES in ways:
            self.refused_at = None
        self.open_since = self.unclear = self.untold = None
        self.obstacle = f"not shown {', '.join(self.answered)}"

    def refused(self, ways: Sequence[Way], now: datetime, obstacle: str) -> None:
        """Record that a look-up by *ways* was not answered, or not completely."""
        self.obstacle = obstacle
        if Way.TRADES in ways:
            self.refused_at = now

    def is_exhausted(self, since: datetime) -> bool:
        """Return whether every way was tried *since* then, and none showed the order."""
        ways = [way for way in EVERY_WAY if way is not Way.BALANCE]
        return all(way in self.answered and self.answered[way] > since for way in ways)

    def schedule_next(self, order: Order, deadlines: SearchDeadlines, now: datetime) -> None:
        """Set the time of the next look-up, after one."""
        wait_seconds, self.wait_seconds = self.wait_seconds, min(WAIT_SECONDS_MAX, self.wait_seconds * 2)
        if self.untold is not None and wait_seconds >= WAIT_SECONDS_MAX:
            wait_seconds = UNTOLD_SECONDS
        elif self.open_since or self.unclear or self.unsold_since:
            wait_seconds = min(wait_seconds, QUICK_SECONDS)
        left_seconds = (deadlines.arrived_by - now).total_seconds()
        if order.side is Side.SELL and 0 <= left_seconds < wait_seconds:
            wait_seconds = left_seconds + FIRST_WAIT_SECONDS
        self.due_at += wait_seconds


def search_deadlines(order: Order, settings: ExecutorSettings) -> SearchDeadlines:
    """Return the deadlines of *order*.

    The exchange takes no request that is older than its window. A sale that arrived shows in the balance at once, so
    no further time has to pass for one, unless the account holds other coins of the kind or names it otherwise.
    """
    protection = timedelta(seconds=settings.protection_seconds)
    overdue_at = (order.answered_at or order.send_until) + timedelta(seconds=settings.lookup_alarm_seconds)
    if order.side is Side.SELL:
        closed_at = order.send_until + timedelta(milliseconds=settings.recv_window_ms) + CLOCK_MARGIN
        has_others = order.listing.base_asset in settings.other_holdings or is_named_apart(order.listing)
        is_shown = order.mode is Mode.DRY_RUN or not has_others
        return SearchDeadlines(closed_at, closed_at if is_shown else closed_at + protection, overdue_at)
    sent_by = order.send_until + timedelta(seconds=settings.exchange_timeout_seconds)
    if order.mode is Mode.DRY_RUN:
        return SearchDeadlines(sent_by, sent_by, overdue_at)
    window = timedelta(milliseconds=settings.recv_window_ms)
    return SearchDeadlines(sent_by, sent_by + window + protection, overdue_at)
