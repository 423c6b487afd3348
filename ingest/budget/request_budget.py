"""Budget of REST requests: one rate limit, and a priority queue of requests that wait for it."""

import asyncio
import heapq
import itertools
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

import structlog

from ingest.budget.budget_metrics import BudgetMetrics
from ingest.budget.rate_limit import Limits, RateLimit
from shared.errors import TransientError
from shared.events import utc_now
from shared.mexc.errors import QUIET_LOOK_SECONDS, ExchangeError, RateLimited
from shared.mexc.http.shared_refusals import Notify, notify_none
from shared.mexc.time.clock_estimate import boot_seconds
from shared.postgres.stored_rate_usage import Usage

log = structlog.get_logger(__name__)

WAITING_MAX: Final = 64
_USED: Final = "address"


class Priority(Enum):
    """Delay before a request's turn comes ahead of later ones of higher priority, so that none starves."""

    URGENT = 0.0
    ROUTINE = 1.0
    SPARE = 5.0

    @property
    def delay_seconds(self) -> float:
        return self.value


class OverbookedError(ExchangeError, TransientError):
    """Too many requests wait for the exchange's limits."""


@dataclass(order=True, slots=True)
class _Waiter:
    turn: float
    number: int
    weight: int = field(compare=False)
    admitted: asyncio.Future[None] = field(compare=False)


class RequestBudget:
    """Admits requests in order, and none while the exchange refuses them."""

    def __init__(self, limits: Limits, metrics: BudgetMetrics, now: Callable[[], float] = boot_seconds) -> None:
        self._rate_limit = RateLimit(limits)
        self._metrics = metrics
        self._now = now
        self._waiting: list[_Waiter] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._refusal = ""
        self._banned = False
        self.refused = asyncio.Event()
        """Set when the exchange refused a request as too many."""
        self.notify: Notify = notify_none

    def usage(self) -> Usage:
        """Return the present use, and how long no requests are admitted."""
        now = self._now()
        quiet_seconds = max(0.0, self._rate_limit.closed_until - now)
        return Usage({_USED: self._rate_limit.weight_used(now)}, quiet_seconds, banned=self._banned)

    def presumed(self) -> Usage:
        """Return the most that may be used before the first store: half, so that even a crash loop polls."""
        usage = self.usage()
        return replace(usage, used={_USED: max(usage.used[_USED], self._rate_limit.weight_max // 2)})

    def resume(self, before: Usage | None) -> None:
        """Continue from the use *before*; where that is unknown, all of it counts as used."""
        now = self._now()
        if before is None:
            self._rate_limit.restore(self._rate_limit.weight_max, now)
            return
        self._rate_limit.restore(before.used.get(_USED, 0), now - before.age_seconds)
        if before.quiet_seconds > 0:
            self._banned = before.banned
            self._rate_limit.close_until(now + before.quiet_seconds)
            until = utc_now() + timedelta(seconds=before.quiet_seconds)
            self._refusal = _refusal_text(RateLimited(banned=before.banned), until)
            self._metrics.closed_until(until)
            log.warning("requests were refused before", closed_seconds=round(before.quiet_seconds, 1))

    @asynccontextmanager
    async def spend(self, weight: int, priority: Priority = Priority.ROUTINE) -> AsyncIterator[None]:
        """Wait for *weight*, and hold it while the body sends a request; a RateLimited from it closes the budget.

        Raises OverbookedError where too many wait already, and ValueError for a weight that could never be free.
        """
        await self._admission(weight, priority)
        try:
            yield
            self._rate_limit.succeeded()
        except RateLimited as refusal:
            self._close(refusal)
            raise
        finally:
            self._rate_limit.end(weight, self._now())
            self._admit()

    def trouble(self) -> str:
        """Return that the exchange refuses requests, and until when; empty while it does not."""
        return self._refusal if self._now() < self._rate_limit.closed_until else ""

    def heard(self, quiet_seconds: float, *, banned: bool) -> None:
        """Admit nothing for so long: another limiter of this process was refused, and all ask from one address."""
        if self._now() + quiet_seconds <= self._rate_limit.closed_until:
            self._banned |= banned
            return
        self._banned = banned or bool(self.trouble() and self._banned)
        self._rate_limit.close_until(self._now() + quiet_seconds)
        until = utc_now() + timedelta(seconds=quiet_seconds)
        self._refusal = _refusal_text(RateLimited(banned=self._banned), until)
        self.refused.set()
        self._metrics.closed_until(until)

    async def _admission(self, weight: int, priority: Priority) -> None:
        if not 0 < weight <= self._rate_limit.weight_max:
            raise ValueError(f"a weight of {weight} never fits into {self._rate_limit.weight_max}")
        if len(self._waiting) >= WAITING_MAX:
            raise OverbookedError
        admitted = asyncio.get_running_loop().create_future()
        waiter = _Waiter(self._now() + priority.delay_seconds, next(self._numbers), weight, admitted)
        heapq.heappush(self._waiting, waiter)
        self._admit()
        try:
            await admitted
        except asyncio.CancelledError:
            self._give_up(waiter)
            raise

    def _give_up(self, waiter: _Waiter) -> None:
        if not waiter.admitted.cancelled():  # Admitted, and cancelled before it could begin.
            self._rate_limit.take_back(waiter.weight)
        elif waiter in self._waiting:
            self._waiting.remove(waiter)
            heapq.heapify(self._waiting)
        self._admit()

    def _admit(self) -> None:
        """Admit waiting requests in order while they fit, and schedule the next look.

        A light request does not overtake a heavy one, which would starve.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._now()
        while self._waiting:
            first = self._waiting[0]
            opens_at = self._rate_limit.opens_at(first.weight, now)
            if opens_at > now:
                self._schedule_admit(opens_at - now)
                break
            heapq.heappop(self._waiting)
            if not first.admitted.cancelled():
                self._rate_limit.begin(first.weight)
                self._metrics.weight.inc(first.weight)
                first.admitted.set_result(None)
        used = self._rate_limit.weight_used(now)
        self._metrics.weight_used.set(used)
        self._metrics.weight_left.set(self._rate_limit.weight_max - used)
        self._metrics.waiting.set(len(self._waiting))

    def _schedule_admit(self, seconds: float) -> None:
        if seconds < math.inf:
            self._timer = asyncio.get_running_loop().call_later(min(seconds, QUIET_LOOK_SECONDS), self._admit)

    def _close(self, refusal: RateLimited) -> None:
        now = self._now()
        seconds = self._rate_limit.refuse(refusal, now) - now
        until = utc_now() + timedelta(seconds=seconds)
        self._refusal, self._banned = _refusal_text(refusal, until), refusal.banned
        self.refused.set()
        self._metrics.closed(until, banned=refusal.banned)
        log.warning("requests refused", reason=str(refusal), closed_seconds=round(seconds, 1))
        # The refusal alone: how often polls were refused before says nothing of how long it lasts.
        told = RateLimited(refusal.retry_after_seconds or None, banned=refusal.banned)
        self.notify(told.quiet_seconds, refusal.banned)


def _refusal_text(refusal: RateLimited, until: datetime) -> str:
    return f"REST: {'banned' if refusal.banned else 'rate limited'} until {until:%Y-%m-%d %H:%M:%S} UTC"
