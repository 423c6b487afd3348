"""Rate budget of the executor: accounting of all limits. Pure: every time is an argument."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from executor.rate_limits.sliding_window import Priority, Reserves, SlidingWindow
from shared.errors import DOUBLINGS_MAX
from shared.mexc.retry_after import BANNED_SECONDS, LIMITED_SECONDS
from shared.mexc.weights import HEAVIEST, Cost, Pool

WEIGHT_SECONDS: Final = 10.0
SECOND: Final = 1.0
LIMITED_SECONDS_MAX: Final = 60.0
"""The ceiling of the back-off after 429s without Retry-After, which doubles in a row; the next is that of 418s."""
BANNED_SECONDS_MAX: Final = 3600.0
EXITS_FIRST_SECONDS: Final = 0.5
"""After a quiet period, requests that neither sell nor buy, nor look up a sale, wait this much longer."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The executor's own limits, below those of the exchange for its address and its key."""

    address_weight: int = 120
    address_requests: int = 8
    key_weight: int = 280
    key_requests: int = 20
    orders: int = 12

    @property
    def address_weight_reserves(self) -> Reserves:
        """Looks go on whatever else is requested; purchases, and sales, may need the rules, the heaviest of all.

        So may what has no reserve: where the limit is low, purchases leave it that much.
        """
        limit = self.address_weight
        exits, looks = limit // 8, limit // 3
        purchases = max(0, min(limit * 5 // 24, limit - exits - looks - HEAVIEST))
        return {Priority.EXIT: exits, Priority.WATCH: looks, Priority.PURCHASE: purchases}

    @property
    def address_request_reserves(self) -> Reserves:
        """A burst of paper purchases reads a book each."""
        limit = self.address_requests
        return {Priority.EXIT: max(1, limit // 8), Priority.WATCH: limit // 3, Priority.PURCHASE: max(1, limit // 3)}

    @property
    def key_weight_reserves(self) -> Reserves:
        """Orders weigh little, and look-ups much."""
        limit = self.key_weight
        return {Priority.EXIT: limit // 5, Priority.PURCHASE: limit // 7, Priority.SALE_LOOKUP: limit // 7}

    @property
    def key_request_reserves(self) -> Reserves:
        limit = self.key_requests
        return {Priority.EXIT: limit // 5, Priority.PURCHASE: limit * 2 // 5, Priority.SALE_LOOKUP: limit // 10}

    @property
    def order_reserves(self) -> Reserves:
        return {Priority.EXIT: self.orders // 6, Priority.PURCHASE: self.orders // 6}


class RateBudget:
    """All limits at once, and the quiet period that the exchange asked for."""

    def __init__(self, limits: RateLimits) -> None:
        lending = {"borrower": Priority.EXIT, "lender": Priority.PURCHASE}
        self._weights = {
            Pool.ADDRESS: SlidingWindow(
                limits.address_weight, WEIGHT_SECONDS, limits.address_weight_reserves, **lending
            ),
            Pool.KEY: SlidingWindow(limits.key_weight, WEIGHT_SECONDS, limits.key_weight_reserves),
        }
        self._requests = {
            Pool.ADDRESS: SlidingWindow(limits.address_requests, SECOND, limits.address_request_reserves, **lending),
            Pool.KEY: SlidingWindow(limits.key_requests, SECOND, limits.key_request_reserves, **lending),
        }
        # An order counts from the time it is written: its answer may take seconds, and others must not wait for it.
        self._orders = SlidingWindow(limits.orders, SECOND, limits.order_reserves, margin_seconds=0)
        self._windows_of: dict[Cost, Sequence[tuple[SlidingWindow, int]]] = {}
        """Cached by cost, of which there are as many as endpoints: orders wait for this."""
        self._refused_in_row = 0
        self.quiet_until = -math.inf
        self.banned_until = -math.inf

    def opens_at(self, priority: Priority, cost: Cost, now: float) -> float:
        """Return the time from which a request may begin; infinite while that depends on one under way."""
        opens_at = self.quiet_until + (0.0 if priority <= Priority.SALE_LOOKUP else EXITS_FIRST_SECONDS)
        for window, amount in self._windows(cost):
            opens_at = max(opens_at, window.fits_at(priority, amount, now))
        return opens_at

    def is_reserved(self, priority: Priority, cost: Cost, now: float, *, waiting: Priority) -> bool:
        """Return whether a request uses nothing that *waiting*, which goes first, could use."""
        windows = self._windows(cost)
        return all(window.is_reserved(priority, amount, now, waiting=waiting) for window, amount in windows)

    def is_possible(self, priority: Priority, cost: Cost) -> bool:
        """Return whether a request could ever begin."""
        return all(amount <= window.most(priority) for window, amount in self._windows(cost))

    def apart_seconds(self, priority: Priority, pool: Pool, weight: int, now: float) -> float:
        """Return the spacing at which requests of *weight* can be sustained, so that none waits for long."""
        return self._weights[pool].apart_seconds(priority, weight, now)

    def weight_used(self, pool: Pool, now: float) -> int:
        return self._weights[pool].used(now)

    def unreserved(self, pool: Pool) -> int:
        """Return the weight of *pool* that is reserved for no priority."""
        return self._weights[pool].most(Priority.OTHER)

    def begin(self, priority: Priority, cost: Cost, now: float) -> None:
        """Count a request that is about to be sent."""
        for window, amount in self._windows(cost):
            if cost.is_order:
                window.count(priority, amount, now)
            else:
                window.begin(priority, amount)

    def end(self, priority: Priority, cost: Cost, now: float) -> None:
        """Record that a request was answered or given up; orders need not be ended."""
        if not cost.is_order:
            for window, amount in self._windows(cost):
                window.end(priority, amount, now)

    def take_back(self, priority: Priority, cost: Cost) -> None:
        """Record that a request which had begun was not sent after all; an order counts all the same."""
        if not cost.is_order:
            for window, amount in self._windows(cost):
                window.take_back(priority, amount)

    def used_by(self, pool: Pool, priority: Priority, now: float) -> int:
        """Return the weight that one priority used."""
        return self._weights[pool].used_by(priority, now)

    def used_until(self, pool: Pool, priority: Priority, now: float) -> Mapping[int, int]:
        """Return the weight that one priority used, by the whole seconds until it is free again."""
        return self._weights[pool].used_until(priority, now)

    def assume(self, pool: Pool, priority: Priority, weight: int, at: float) -> None:
        """Count *weight* that was used before the start, up to the limit."""
        window = self._weights[pool]
        window.count(priority, min(weight, window.room(priority, at)), at)

    def assume_second(self, at: float) -> None:
        """Count all unreserved requests at a time before the start."""
        for window in self._requests.values():
            window.count(Priority.OTHER, window.room(Priority.OTHER, at), at)

    def succeeded(self) -> None:
        """Record a regular answer, which ends the row of refusals."""
        self._refused_in_row = 0

    def refuse(self, wait_seconds: float | None, now: float, *, banned: bool) -> None:
        """Keep quiet for the time that the exchange names, or for a back-off that doubles while it names none."""
        if now >= self.quiet_until:
            self._refused_in_row += 1  # Requests under way meet the same refusal, which is no further one.
        first, most = (BANNED_SECONDS, BANNED_SECONDS_MAX) if banned else (LIMITED_SECONDS, LIMITED_SECONDS_MAX)
        backoff_seconds = min(first * 2.0 ** min(max(self._refused_in_row - 1, 0), DOUBLINGS_MAX), most)
        self.keep_quiet(now + (wait_seconds or backoff_seconds), banned=banned)

    def keep_quiet(self, until: float, *, banned: bool) -> None:
        """Let no request begin before *until*."""
        self.quiet_until = max(self.quiet_until, until)
        if banned:
            self.banned_until = max(self.banned_until, until)

    def _windows(self, cost: Cost) -> Sequence[tuple[SlidingWindow, int]]:
        windows = self._windows_of.get(cost)
        if windows is None:
            windows = ((self._weights[cost.pool], cost.weight), (self._requests[cost.pool], 1))
            self._windows_of[cost] = windows = (*windows, (self._orders, 1)) if cost.is_order else windows
        return windows


def usage_name(pool: Pool, priority: Priority, seconds_left: int | None = None) -> str:
    """Return the name of a priority's usage of *pool*, or of the part that is free again after *seconds_left*."""
    name = f"{pool.value} {priority.name.lower()}"
    return name if seconds_left is None else f"{name} {seconds_left}"


def used_by_seconds_left(used: Mapping[str, int], pool: Pool, priority: Priority) -> Sequence[tuple[float, int]]:
    """Return the usage with the seconds until it was free again, the longest where they are not stored."""
    counted = range(1, math.ceil(WEIGHT_SECONDS) + 2)
    told = [(min(WEIGHT_SECONDS, each), used.get(usage_name(pool, priority, each), 0)) for each in counted]
    untold = used.get(usage_name(pool, priority), 0) - sum(amount for _, amount in told)
    return [(WEIGHT_SECONDS, untold), *told] if untold > 0 else told
