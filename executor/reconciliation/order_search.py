"""The search for one order: what was tried when, what was seen since when. Kept in memory; a restart begins anew."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from executor.model.fill import Fill
from executor.model.order import Order
from executor.settings import ExecutorSettings
from executor.venues.lookup_schedule import EVERY_WAY, Way, ways_due
from shared.events import Mode, Side

CLOCK_MARGIN: Final = timedelta(milliseconds=250)
"""Added where the exchange's clock decides."""
QUICK_SECONDS: Final = 0.25
"""Between looks at what has to be settled soon."""
FIRST_WAIT_SECONDS: Final = 0.05
WAIT_SECONDS_MAX: Final = 2.0
UNTOLD_SECONDS: Final = 5.0
"""Between looks at an order whose trades do not add up for long: each costs several questions."""
REFUSED_SECONDS: Final = 10.0
"""Until the dear ways are tried again where a look by them was refused, so that they proved nothing."""


@dataclass(frozen=True, slots=True)
class SearchDeadlines:
    """The moments of an order from which on absence says something."""

    sent_by: datetime
    """The last request of it that anybody may have begun is over."""
    arrived_by: datetime
    """It would be visible, if it was sent."""
    overdue_at: datetime
    """What became of it should be known."""


@dataclass(slots=True)
class OrderSearch:
    due_at: float
    """By the clock of the loop."""
    wait_seconds: float = FIRST_WAIT_SECONDS
    tried: dict[Way, datetime] = field(default_factory=dict)
    answered: dict[Way, datetime] = field(default_factory=dict)
    """Where the order was not shown."""
    refused_at: datetime | None = None
    """When the last look by the dear ways was not answered."""
    open_since: datetime | None = None
    unclear: tuple[Decimal | None, datetime] | None = None
    """What was executed under a status without a meaning here, and since when no more was."""
    untold: tuple[Fill, datetime] | None = None
    """What it got, and since when its trades do not add up to anything else."""
    cancelled_at: datetime | None = None
    unsold_since: datetime | None = None
    """Since when the coins of a sale are all there, although it could not arrive any more."""
    obstacle: str = ""
    """What the last look came to."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Of looks at the order."""

    def ways(self, order: Order, deadlines: SearchDeadlines, now: datetime) -> Sequence[Way]:
        """Return by which ways to look for *order* now."""
        if self.untold is not None or self.unclear or self.open_since:
            return EVERY_WAY  # Perhaps only a dear way shows it; where a cheap one does, no other is gone.
        is_due_again = self.refused_at is not None and abs(now - self.refused_at) >= timedelta(seconds=REFUSED_SECONDS)
        due = EVERY_WAY if is_due_again else ways_due(self.tried, order.decided_at, deadlines.arrived_by, now)
        return [way for way in due if way is not Way.BALANCE or order.side is Side.SELL]

    def missed(self, ways: Sequence[Way], now: datetime) -> None:
        """Take note that none of *ways* showed the order."""
        self.answered |= dict.fromkeys(ways, now)
        if Way.TRADES in ways:
            self.refused_at = None
        self.open_since = self.unclear = self.untold = None
        self.obstacle = f"not shown {', '.join(self.answered)}"

    def refused(self, ways: Sequence[Way], now: datetime, obstacle: str) -> None:
        """Take note that a look by *ways* was not answered, or not whole."""
        self.obstacle = obstacle
        if Way.TRADES in ways:
            self.refused_at = now

    def is_exhausted(self, since: datetime) -> bool:
        """Return whether every way was tried *since* then, without a trace."""
        ways = [way for way in EVERY_WAY if way is not Way.BALANCE]
        return all(way in self.answered and self.answered[way] > since for way in ways)

    def took(self, order: Order, deadlines: SearchDeadlines, now: datetime) -> None:
        """Choose when to look next, after a look."""
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
    """Return the moments of *order* at which a search for it changes.

    The exchange takes no request that is older than its window. A sale that arrived shows in the balance at once, so
    no further time has to pass for one, unless the account holds other coins of the kind.
    """
    protection = timedelta(seconds=settings.protection_seconds)
    overdue_at = (order.answered_at or order.send_until) + timedelta(seconds=settings.lookup_alarm_seconds)
    if order.side is Side.SELL:
        closed_at = order.send_until + timedelta(milliseconds=settings.recv_window_ms) + CLOCK_MARGIN
        is_alone = order.mode is Mode.DRY_RUN or order.listing.base_asset not in settings.other_holdings
        return SearchDeadlines(closed_at, closed_at if is_alone else closed_at + protection, overdue_at)
    sent_by = order.send_until + timedelta(seconds=settings.exchange_timeout_seconds)
    if order.mode is Mode.DRY_RUN:
        return SearchDeadlines(sent_by, sent_by, overdue_at)
    window = timedelta(milliseconds=settings.recv_window_ms)
    return SearchDeadlines(sent_by, sent_by + window + protection, overdue_at)
