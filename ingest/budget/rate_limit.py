"""Rate limits of the exchange as sliding windows. Pure accounting: times are arguments."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from shared.errors import DOUBLINGS_MAX
from shared.mexc.errors import RateLimited

LIMITED_SECONDS: Final = 10.0
"""After a 429 without Retry-After: the window of the limits."""
LIMITED_SECONDS_MAX: Final = 600.0
BANNED_SECONDS: Final = 120.0
"""After a 418 without Retry-After: bans last two minutes to three days."""
BANNED_SECONDS_MAX: Final = 3600.0
_MARGIN_SECONDS: Final = 0.02
"""Added to each window: clocks differ, and the exchange's has milliseconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits per address and window; the defaults are MEXC's."""

    weight: int = 300
    weight_seconds: float = 10.0
    requests: int = 20
    requests_seconds: float = 1.0


class _Window:
    """Sliding window of one limit.

    The exchange counts a request on arrival, at some time between sending and answer. So it counts here from sending
    until a whole window after the answer, whatever the delays.
    """

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self._seconds = seconds + _MARGIN_SECONDS
        self._under_way = 0
        self._ended: deque[tuple[float, int]] = deque()
        self._ended_sum = 0

    def fits_at(self, amount: int, now: float) -> float:
        """Return when *amount* more fits: now, later, or never before a request under way has ended."""
        over = self.used(now) + amount - self.limit
        if over <= 0:
            return now
        for ended_at, taken in self._ended:
            over -= taken
            if over <= 0:
                return ended_at + self._seconds
        return math.inf

    def used(self, now: float) -> int:
        while self._ended and self._ended[0][0] + self._seconds <= now:
            self._ended_sum -= self._ended.popleft()[1]
        return self._under_way + self._ended_sum

    def begin(self, amount: int) -> None:
        self._under_way += amount

    def take_back(self, amount: int) -> None:
        self._under_way -= amount

    def end(self, amount: int, now: float) -> None:
        self._under_way -= amount
        self._ended.append((now, amount))
        self._ended_sum += amount


class RateLimit:
    """Both limits, and the time during which the exchange refuses all requests."""

    def __init__(self, limits: Limits) -> None:
        self._weight = _Window(limits.weight, limits.weight_seconds)
        self._requests = _Window(limits.requests, limits.requests_seconds)
        self._refused_in_row = 0
        self.closed_until = -math.inf

    @property
    def weight_max(self) -> int:
        """Weight of the heaviest request that can ever be sent."""
        return self._weight.limit

    def opens_at(self, weight: int, now: float) -> float:
        """Return when a request of *weight* may be sent; infinite while that depends on one under way."""
        return max(self._weight.fits_at(weight, now), self._requests.fits_at(1, now), self.closed_until)

    def weight_used(self, now: float) -> int:
        return self._weight.used(now)

    def restore(self, weight: int, at: float) -> None:
        """Count *weight* that was used before this process began, *at* a time."""
        used = min(weight, self._weight.limit)
        self._weight.begin(used)
        self._weight.end(used, at)

    def close_until(self, until: float) -> None:
        """Keep closed until a time that the exchange named before this process began."""
        self.closed_until = max(self.closed_until, until)

    def begin(self, weight: int) -> None:
        """Count a request that is about to be sent."""
        self._weight.begin(weight)
        self._requests.begin(1)

    def take_back(self, weight: int) -> None:
        """Uncount a request that was not sent after all."""
        self._weight.take_back(weight)
        self._requests.take_back(1)

    def end(self, weight: int, now: float) -> None:
        """Start the window of a request that was answered or given up."""
        self._weight.end(weight, now)
        self._requests.end(1, now)

    def succeeded(self) -> None:
        """Reset the back-off after an answer."""
        self._refused_in_row = 0

    def refuse(self, refusal: RateLimited, now: float) -> float:
        """Close for the time of Retry-After, or with exponential back-off without one; return the end."""
        if now >= self.closed_until:
            self._refused_in_row += 1  # Requests under way meet the same refusal, which is not counted again.
        wait_seconds = refusal.retry_after_seconds or _unnamed_seconds(self._refused_in_row, banned=refusal.banned)
        self.closed_until = max(self.closed_until, now + wait_seconds)
        return self.closed_until


def _unnamed_seconds(in_row: int, *, banned: bool) -> float:
    first, most = (BANNED_SECONDS, BANNED_SECONDS_MAX) if banned else (LIMITED_SECONDS, LIMITED_SECONDS_MAX)
    return min(first * 2.0 ** min(max(in_row - 1, 0), DOUBLINGS_MAX), most)
