"""One rate limit in a sliding window, with a reserve for each priority. Pure."""

import math
from bisect import insort
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final

MARGIN_SECONDS: Final = 0.02
"""Added to a window: the exchange's clock differs from ours, and ticks in milliseconds."""


class Priority(IntEnum):
    """Priority of requests where not all fit; the lowest number goes first."""

    EXIT = 0
    """Sales, and the prices, rules, balances and the time that they need."""
    WATCH = 1
    """Routine looks at positions."""
    PURCHASE = 2
    SALE_LOOKUP = 3
    PURCHASE_LOOKUP = 4
    OTHER = 5


Reserves = Mapping[Priority, int]
"""The part of a limit that is kept for each priority, whatever the others use."""


class SlidingWindow:
    """One limit, in which each priority has a reserve that no other can use.

    The others are charged with their usage, or with their reserves where these are more; together with the priority's
    own usage that never exceeds the limit. So a request within a reserve always fits. But *borrower* may use the part
    of its reserve that *lender* leaves, which is not kept from the others any more then.

    The exchange counts a request when it arrives, somewhere between its sending and its answer. So it counts here from
    the one until a whole window after the other, which covers any delay on the way.
    """

    def __init__(
        self,
        limit: int,
        seconds: float,
        reserves: Reserves,
        *,
        borrower: Priority | None = None,
        lender: Priority | None = None,
        margin_seconds: float = MARGIN_SECONDS,
    ) -> None:
        if sum(reserves.values()) > limit:
            raise ValueError("more is reserved than the limit allows")
        self._limit = limit
        self._seconds = seconds + margin_seconds
        self._reserves = [reserves.get(each, 0) for each in Priority]
        self._unreserved = limit - sum(self._reserves)
        self._borrower = borrower
        self._lender = lender
        self._others = [self._left_by(each) for each in Priority]
        """For each priority the others, with the least that it has to leave to each."""
        self._used = [0 for _ in Priority]
        self._ended: deque[tuple[float, Priority, int]] = deque()
        """Ended usage by the time at which it is free again, soonest first."""

    def most(self, priority: Priority) -> int:
        """Return the most that *priority* could ever use at once."""
        return self._limit - sum(reserve for _, reserve in self._others[priority])

    def room(self, priority: Priority, now: float) -> int:
        """Return how much more *priority* could use now."""
        self._free(now)
        return max(0, self._limit - self._charged(priority, self._used))

    def used(self, now: float) -> int:
        self._free(now)
        return sum(self._used)

    def used_by(self, priority: Priority, now: float) -> int:
        self._free(now)
        return self._used[priority]

    def used_until(self, priority: Priority, now: float) -> Mapping[int, int]:
        """Return the usage of *priority* by the whole seconds until it is free again."""
        self._free(now)
        ended: Counter[int] = Counter()
        for free_at, each, amount in self._ended:
            if each is priority:
                ended[math.ceil(free_at - now)] += amount
        under_way = self._used[priority] - ended.total()
        return ended if not under_way else ended + Counter({math.ceil(self._seconds): under_way})

    def is_reserved(self, priority: Priority, amount: int, now: float, *, waiting: Priority) -> bool:
        """Return whether *amount* more is within the reserve of *priority*, and uses nothing that *waiting* could."""
        is_lent = (waiting, priority) == (self._borrower, self._lender)
        return not is_lent and self.used_by(priority, now) + amount <= self._reserves[priority]

    def fits_at(self, priority: Priority, amount: int, now: float) -> float:
        """Return the time at which *amount* more fits; infinite where that depends on a request under way, or never."""
        if self._ended and self._ended[0][0] <= now:
            self._free(now)
        # The usual case, for which orders wait: so little is used that all reserves fit beside it.
        if sum(self._used) + amount <= self._unreserved:
            return now
        used = self._used.copy()
        used[priority] += amount
        if self._charged(priority, used) <= self._limit:
            return now
        for free_at, each, taken in self._ended:
            used[each] -= taken
            if self._charged(priority, used) <= self._limit:
                return free_at
        return math.inf

    def apart_seconds(self, priority: Priority, amount: int, now: float) -> float:
        """Return the spacing at which *amount* can be used repeatedly: the room of now, spread until more is free.

        No further apart than the reserve sustains. Zero where nothing fits: the request waits anyway.
        """
        fit = self.room(priority, now) // amount
        if not fit:
            return 0.0
        more_at = self.fits_at(priority, (fit + 1) * amount, now)
        return min((more_at - now) / (fit + 1), self._seconds / max(1, self._reserves[priority] // amount))

    def begin(self, priority: Priority, amount: int) -> None:
        self._used[priority] += amount

    def take_back(self, priority: Priority, amount: int) -> None:
        self._used[priority] -= amount

    def end(self, priority: Priority, amount: int, now: float) -> None:
        insort(self._ended, (now + self._seconds, priority, amount))

    def count(self, priority: Priority, amount: int, now: float) -> None:
        """Count a request that is over as it begins."""
        self._used[priority] += amount
        insort(self._ended, (now + self._seconds, priority, amount))

    def _free(self, now: float) -> None:
        while self._ended and self._ended[0][0] <= now:
            _, priority, amount = self._ended.popleft()
            self._used[priority] -= amount

    def _charged(self, priority: Priority, used: Sequence[int]) -> int:
        charged = used[priority]
        for other, reserve in self._others[priority]:
            taken = used[other]
            charged += max(taken, reserve)
        if self._lender is not None and priority is not self._borrower and priority is not self._lender:
            charged -= self._lent(used)
        return charged

    def _lent(self, used: Sequence[int]) -> int:
        """Return the part of the lender's reserve that is lent."""
        if self._borrower is None or self._lender is None:
            return 0
        unused = max(0, self._reserves[self._lender] - used[self._lender])
        return min(unused, max(0, used[self._borrower] - self._reserves[self._borrower]))

    def _left_by(self, priority: Priority) -> Sequence[tuple[Priority, int]]:
        lender = self._lender if priority is self._borrower else None
        return [(each, 0 if each is lender else self._reserves[each]) for each in Priority if each is not priority]
