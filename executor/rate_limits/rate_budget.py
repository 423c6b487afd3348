"""The rate budget of the executor: pure accounting, with every time as an argument."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from executor.rate_limits.sliding_window import Priority, Reserves, SlidingWindow
from shared.backoff import DOUBLINGS_MAX
from shared.mexc.retry_after import BANNED_SECONDS, LIMITED_SECONDS
from shared.mexc.weights import Cost, Pool

WEIGHT_SECONDS: Final = 10.0
SECOND: Final = 1.0
LIMITED_SECONDS_MAX: Final = 60.0
"""A wait that a 429 does not name doubles, while that is repeated, up to this; one that a 418 does not, to the next."""
BANNED_SECONDS_MAX: Final = 3600.0
EXITS_FIRST_SECONDS: Final = 0.5
"""After a quiet, what neither sells nor buys, nor looks a sale up, waits this much longer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the executor allows itself: of what its address may ask, and of what its key may."""

    address_weight: int = 120
    address_requests: int = 6
    key_weight: int = 280
    key_requests: int = 20
    orders: int = 12


class RateBudget:
    """Every limit at once, and the time for which the exchange wants to hear nothing at all."""

    def __init__(self, limits: Limits) -> None:
        lending = {"borrower": Priority.EXIT, "lender": Priority.PURCHASE}
        self._weights = {
            Pool.ADDRESS: SlidingWindow(
                limits.address_weight, WEIGHT_SECONDS, _of_address(limits.address_weight), **lending
            ),
            Pool.KEY: SlidingWindow(limits.key_weight, WEIGHT_SECONDS, _of_key(limits.key_weight)),
        }
        self._requests = {
            Pool.ADDRESS: SlidingWindow(
                limits.address_requests, SECOND, _of_requests_of_address(limits.address_requests), **lending
            ),
            Pool.KEY: SlidingWindow(limits.key_requests, SECOND, _of_requests(limits.key_requests)),
        }
        # An order counts from the moment it is written: its answer may take seconds, and others must not wait for it.
        self._orders = SlidingWindow(limits.orders, SECOND, _of_orders(limits.orders), margin_seconds=0)
        self._windows_of: dict[Cost, Sequence[tuple[SlidingWindow, int]]] = {}
        """Of each cost there was: orders wait for this. There are as many as endpoints."""
        self._refused_in_row = 0
        self.quiet_until = -math.inf
        self.banned_until = -math.inf

    def opens_at(self, priority: Priority, cost: Cost, now: float) -> float:
        """Return from when on a request may begin; infinite while that waits for one under way."""
        opens_at = self.quiet_until + (0.0 if priority <= Priority.SALE_LOOKUP else EXITS_FIRST_SECONDS)
        for window, amount in self._windows(cost):
            opens_at = max(opens_at, window.fits_at(priority, amount, now))
        return opens_at

    def is_reserved(self, priority: Priority, cost: Cost, now: float, *, waiting: Priority) -> bool:
        """Return whether a request takes nothing that *waiting*, which goes first, could use."""
        windows = self._windows(cost)
        return all(window.is_reserved(priority, amount, now, waiting=waiting) for window, amount in windows)

    def is_possible(self, priority: Priority, cost: Cost) -> bool:
        """Return whether a request could ever begin."""
        return all(amount <= window.most(priority) for window, amount in self._windows(cost))

    def apart_seconds(self, priority: Priority, pool: Pool, weight: int, now: float) -> float:
        """Return how far apart requests of *weight* can go on and on, so that none has to wait for long."""
        return self._weights[pool].apart_seconds(priority, weight, now)

    def weight_used(self, pool: Pool, now: float) -> int:
        return self._weights[pool].used(now)

    def unreserved(self, pool: Pool) -> int:
        """Return the weight of *pool* that no priority has reserved."""
        return self._weights[pool].most(Priority.OTHER)

    def begin(self, priority: Priority, cost: Cost, now: float) -> None:
        """Count a request that is about to be sent."""
        for window, amount in self._windows(cost):
            if cost.is_order:
                window.count(priority, amount, now)
            else:
                window.begin(priority, amount)

    def end(self, priority: Priority, cost: Cost, now: float) -> None:
        """Take note that a request was answered or given up; orders need not be ended."""
        if not cost.is_order:
            for window, amount in self._windows(cost):
                window.end(priority, amount, now)

    def take_back(self, priority: Priority, cost: Cost) -> None:
        """Take note that a request which had begun was not sent after all; an order counts all the same."""
        if not cost.is_order:
            for window, amount in self._windows(cost):
                window.take_back(priority, amount)

    def used_by(self, pool: Pool, priority: Priority, now: float) -> int:
        """Return the weight that one priority used."""
        return self._weights[pool].used_by(priority, now)

    def used_until(self, pool: Pool, priority: Priority, now: float) -> Mapping[int, int]:
        """Return the weight that one priority used, by the whole seconds after which it is free again."""
        return self._weights[pool].used_until(priority, now)

    def assume(self, pool: Pool, priority: Priority, weight: int, at: float) -> None:
        """Count *weight* that was used at a time before this began; what is beyond the limit cannot be true."""
        window = self._weights[pool]
        window.count(priority, min(weight, window.room(priority, at)), at)

    def assume_second(self, at: float) -> None:
        """Count all unreserved requests, at a time before this began."""
        for window in self._requests.values():
            window.count(Priority.OTHER, window.room(Priority.OTHER, at), at)

    def welcomed(self) -> None:
        """Take note that the exchange answered as it should."""
        self._refused_in_row = 0

    def refuse(self, wait_seconds: float | None, now: float, *, banned: bool) -> None:
        """Keep quiet for the time the exchange names, or for one that doubles while it names none."""
        if now >= self.quiet_until:
            self._refused_in_row += 1  # What was under way meets the same refusal, which says nothing new.
        self.keep_quiet(now + (wait_seconds or _unnamed_seconds(self._refused_in_row, banned=banned)), banned=banned)

    def keep_quiet(self, until: float, *, banned: bool) -> None:
        """Let nothing begin until then."""
        self.quiet_until = max(self.quiet_until, until)
        if banned:
            self.banned_until = max(self.banned_until, until)

    def _windows(self, cost: Cost) -> Sequence[tuple[SlidingWindow, int]]:
        windows = self._windows_of.get(cost)
        if windows is None:
            windows = ((self._weights[cost.pool], cost.weight), (self._requests[cost.pool], 1))
            self._windows_of[cost] = windows = (*windows, (self._orders, 1)) if cost.is_order else windows
        return windows


def _of_address(limit: int) -> Reserves:
    """Looks go on whatever others ask; a purchase may need the rules, the heaviest of all, and so may a sale."""
    return {Priority.EXIT: limit // 8, Priority.WATCH: limit // 3, Priority.PURCHASE: limit * 5 // 24}


def _of_requests_of_address(limit: int) -> Reserves:
    """A burst of purchases on paper asks for a book each."""
    return {Priority.EXIT: max(1, limit // 8), Priority.WATCH: limit // 3, Priority.PURCHASE: max(1, limit // 3)}


def _of_key(limit: int) -> Reserves:
    """Orders weigh little, and look-ups much."""
    return {Priority.EXIT: limit // 5, Priority.PURCHASE: limit // 7, Priority.SALE_LOOKUP: limit // 7}


def _of_requests(limit: int) -> Reserves:
    return {Priority.EXIT: limit // 5, Priority.PURCHASE: limit * 2 // 5, Priority.SALE_LOOKUP: limit // 10}


def _of_orders(limit: int) -> Reserves:
    return {Priority.EXIT: limit // 6, Priority.PURCHASE: limit // 6}


def _unnamed_seconds(in_row: int, *, banned: bool) -> float:
    first, most = (BANNED_SECONDS, BANNED_SECONDS_MAX) if banned else (LIMITED_SECONDS, LIMITED_SECONDS_MAX)
    return min(first * 2.0 ** min(max(in_row - 1, 0), DOUBLINGS_MAX), most)
