"""One rate limit in a sliding window, in which every priority has a reserve: pure accounting."""

import math
from bisect import insort
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final

MARGIN_SECONDS: Final = 0.02
"""Added to a window: the exchange's clock is not ours, and ticks in milliseconds."""


class Priority(IntEnum):
    """The order of requests where not all fit."""

    EXIT = 0
    """Sales, and the prices, rules, balances and the time they need."""
    WATCH = 1
    """Looks at positions of which nothing is due."""
    PURCHASE = 2
    SALE_LOOKUP = 3
    PURCHASE_LOOKUP = 4
    OTHER = 5


Reserves = Mapping[Priority, int]
"""How much of a limit is kept for each, whatever the others take."""


class SlidingWindow:
    """One limit, in which each priority has a share that no other can take.

    The others are charged with what they took, or with their reserves where that is more; together with one's own use
    that never exceeds the limit. So what stays within a reserve always fits. But what *lender* does not use of its
    reserve may be taken by *borrower*, and is not kept from the others any more then.

    The exchange counts a request when it arrives, somewhere between its sending and its answer. So it is held
    against us from the one until a whole window after the other, which no delay on the way can outwit.
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
        """Those that each has to leave something to, and how much at least."""
        self._used = [0 for _ in Priority]
        self._ended: deque[tuple[float, Priority, int]] = deque()
        """What is over, by when it is free again, soonest first."""

    def most(self, priority: Priority) -> int:
        """Return the most that *priority* could ever take at once."""
        return self._limit - sum(reserve for _, reserve in self._others[priority])

    def room(self, priority: Priority, now: float) -> int:
        """Return how much more *priority* could take now."""
        self._free(now)
        return max(0, self._limit - self._charged(priority, self._used))

    def used(self, now: float) -> int:
        self._free(now)
        return sum(self._used)

    def used_by(self, priority: Priority, now: float) -> int:
        self._free(now)
        return self._used[priority]

    def used_until(self, priority: Priority, now: float) -> Mapping[int, int]:
        """Return what *priority* used, by the whole seconds after which it is free again."""
        self._free(now)
        ended: Counter[int] = Counter()
        for free_at, each, amount in self._ended:
            if each is priority:
                ended[math.ceil(free_at - now)] += amount
        under_way = self._used[priority] - ended.total()
        return ended if not under_way else ended + Counter({math.ceil(self._seconds): under_way})

    def is_reserved(self, priority: Priority, amount: int, now: float, *, waiting: Priority) -> bool:
        """Return whether *amount* more stays within the reserve of *priority*, and takes nothing from *waiting*."""
        is_lent = (waiting, priority) == (self._borrower, self._lender)
        return not is_lent and self.used_by(priority, now) + amount <= self._reserves[priority]

    def fits_at(self, priority: Priority, amount: int, now: float) -> float:
        """Return when *amount* more fits; infinite where that waits for something under way, or can never be."""
        if self._ended and self._ended[0][0] <= now:
            self._free(now)
        # The usual case, for which orders wait: little is used, whoever it was, and whatever is reserved fits beside.
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
        """Return how far apart *amount* can be taken again and again: what fits now, spread until more does.

        No further than the reserve allows for ever. Where nothing fits there is nothing to spread: whoever asks waits.
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
        """Count what is over as it begins."""
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
        """Return how much of the lender's reserve is lent."""
        if self._borrower is None or self._lender is None:
            return 0
        unused = max(0, self._reserves[self._lender] - used[self._lender])
        return min(unused, max(0, used[self._borrower] - self._reserves[self._borrower]))

    def _left_by(self, priority: Priority) -> Sequence[tuple[Priority, int]]:
        lender = self._lender if priority is self._borrower else None
        return [(each, 0 if each is lender else self._reserves[each]) for each in Priority if each is not priority]
