"""Rate limits as MEXC enforces them: a shared weight pool, requests and orders per second, then a ban."""

from collections import deque
from dataclasses import dataclass

from simulator.market.error_responses import BANNED, TOO_MANY_REQUESTS, ErrorResponse

_CALLERS_MAX = 1_000
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class RateLimits:
    weight_per_10_seconds: int = 300
    requests_per_second: int = 20
    orders_per_second: int = 12
    ban_after_refusals: int = 10
    ban_ms: int = 120_000


@dataclass(frozen=True, slots=True)
class RateLimited:
    response: ErrorResponse
    retry_after_seconds: int


class _Window:
    """Sliding window: the sum taken in the last *span_ms*."""

    def __init__(self, limit: int, span_ms: int) -> None:
        self._limit = limit
        self._span_ms = span_ms
        self._taken: deque[tuple[int, int]] = deque()
        self._sum = 0

    def wait_ms(self, amount: int, now_ms: int) -> int:
        """Return the milliseconds until *amount* fits; 0 when it does."""
        while self._taken and self._taken[0][0] <= now_ms - self._span_ms:
            self._sum -= self._taken.popleft()[1]
        over = self._sum + amount - self._limit
        for at_ms, taken in self._taken:
            if over <= 0:
                break
            over -= taken
            if over <= 0:
                return at_ms + self._span_ms - now_ms
        return 0 if over <= 0 else self._span_ms

    def take(self, amount: int, now_ms: int) -> None:
        self._taken.append((now_ms, amount))
        self._sum += amount


class _Caller:
    def __init__(self, limits: RateLimits) -> None:
        self.weight = _Window(limits.weight_per_10_seconds, 10_000)
        self.requests = _Window(limits.requests_per_second, 1_000)
        self.orders = _Window(limits.orders_per_second, 1_000)
        self.refused_ms: deque[int] = deque(maxlen=limits.ban_after_refusals)
        self.banned_until_ms = 0


class RateLimiter:
    """Counts per caller: the API key of keyed calls, the address of others."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._callers: dict[str, _Caller] = {}

    def admit(self, caller: str, weight: int, now_ms: int, *, is_order: bool) -> RateLimited | None:
        """Count a request; return its refusal if it exceeds a limit."""
        known = self._caller(caller)
        if now_ms < known.banned_until_ms:
            return RateLimited(BANNED, _seconds(known.banned_until_ms - now_ms))
        windows = [(known.weight, weight), (known.requests, 1)] + [(known.orders, 1)] * is_order
        wait_ms = max(window.wait_ms(amount, now_ms) for window, amount in windows)
        if wait_ms:
            return self._refuse(known, wait_ms, now_ms)
        for window, amount in windows:
            window.take(amount, now_ms)
        return None

    def _refuse(self, caller: _Caller, wait_ms: int, now_ms: int) -> RateLimited:
        caller.refused_ms.append(now_ms)
        repeated = len(caller.refused_ms) == self._limits.ban_after_refusals
        if repeated and now_ms - caller.refused_ms[0] < _MINUTE_MS:
            caller.refused_ms.clear()
            caller.banned_until_ms = now_ms + self._limits.ban_ms
            return RateLimited(BANNED, _seconds(self._limits.ban_ms))
        return RateLimited(TOO_MANY_REQUESTS, _seconds(wait_ms))

    def _caller(self, name: str) -> _Caller:
        if name not in self._callers:
            if len(self._callers) >= _CALLERS_MAX:
                del self._callers[next(iter(self._callers))]
            self._callers[name] = _Caller(self._limits)
        return self._callers[name]


def _seconds(milliseconds: int) -> int:
    """Round up: Retry-After counts in whole seconds."""
    return max(1, -(-milliseconds // 1_000))
