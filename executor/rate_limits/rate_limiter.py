"""Rate limiter of all requests to the exchange: by priority, within the budget, and none during a quiet period."""

import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Final

import structlog

from executor.rate_limits.limiter_metrics import LimiterMetrics
from executor.rate_limits.rate_budget import SECOND, WEIGHT_SECONDS, RateBudget, usage_name, used_by_seconds_left
from executor.rate_limits.sliding_window import Priority
from executor.rate_limits.waiters import CallLater, Timer, Waiter, call_later
from shared.mexc.errors import QUIET_LOOK_SECONDS, RateLimited
from shared.mexc.http.request import Admission
from shared.mexc.http.shared_refusals import Notify, notify_none
from shared.mexc.time.clock_estimate import boot_seconds
from shared.mexc.weights import Cost, Pool, cost_of
from shared.postgres.stored_rate_usage import NO_USAGE, Usage

log = structlog.get_logger(__name__)

QUIET_WAIT_SECONDS_MAX: Final = 1.0
"""A quiet period no longer than this is waited out; a longer one raises `RateLimited`."""


class RateLimiter:
    """Admits requests by priority and in the order they came.

    A request overtakes one of a higher priority that waits only within a reserve which takes nothing from it.
    """

    def __init__(
        self,
        budget: RateBudget,
        metrics: LimiterMetrics,
        *,
        now: Callable[[], float] = boot_seconds,
        call_later: CallLater = call_later,
    ) -> None:
        self._budget = budget
        self._metrics = metrics
        self._now = now
        self._call_later = call_later
        self._waiting: list[Waiter] = []
        self._numbers = itertools.count()
        self._timer: Timer | None = None
        self.refused = asyncio.Event()
        """Set when the exchange limited the rate."""
        self.notify: Notify = notify_none
        metrics.show_quiet(self.quiet_seconds)

    def quiet_seconds(self) -> float:
        """Return the seconds left of the quiet period. Safe to call from another thread."""
        return max(0.0, self._budget.quiet_until - self._now())

    def banned_seconds(self) -> float:
        """Return the seconds left of a ban."""
        return max(0.0, self._budget.banned_until - self._now())

    def apart_seconds(self, priority: Priority, pool: Pool, weight: int) -> float:
        """Return the spacing at which requests of *weight* can be sustained, so that none waits for long."""
        return self._budget.apart_seconds(priority, pool, weight, self._now())

    def usage(self) -> Usage:
        """Return the present usage of each priority, in total and by the seconds until it is free again.

        It is read every half second, which also keeps the metrics current while no request comes or goes.
        """
        self._show()
        now, used = self._now(), dict[str, int]()
        for pool, each in product(Pool, Priority):
            used[usage_name(pool, each)] = self._budget.used_by(pool, each, now)
            used |= {usage_name(pool, each, left): n for left, n in self._budget.used_until(pool, each, now).items()}
        return Usage(used, self.quiet_seconds(), banned=self.banned_seconds() > 0)

    def presumed(self) -> Usage:
        """Return the most that may be used before the usage is first stored: a process may be killed before that."""
        usage = self.usage()
        spare = {usage_name(pool, Priority.OTHER): self._budget.unreserved(pool) for pool in Pool}
        return replace(usage, used={**usage.used, **spare})

    def resume(self, before: Usage | None) -> None:
        """Continue from the usage *before*; where that is unknown, only reserves are left for now."""
        now, age_seconds = self._now(), 0.0 if before is None else before.age_seconds
        if age_seconds < SECOND and before is not NO_USAGE:
            self._budget.assume_second(now - age_seconds)
        if before is None:
            for pool in Pool:
                self._budget.assume(pool, Priority.OTHER, self._budget.unreserved(pool), now)
            return
        for pool, priority in product(Pool, Priority):
            for seconds_left, used in used_by_seconds_left(before.used, pool, priority):
                self._budget.assume(pool, priority, used, now - age_seconds - WEIGHT_SECONDS + seconds_left)
        if before.quiet_seconds > 0:
            self._budget.keep_quiet(now + before.quiet_seconds, banned=before.banned)

    def has_room(self, priority: Priority, cost: Cost) -> bool:
        """Return whether a request may begin now without overtaking one that waits; count nothing."""
        now = self._now()
        if self._waiting and self._is_preceded(priority, cost, now):
            return False
        return self._budget.opens_at(priority, cost, now) <= now

    def try_acquire(self, priority: Priority, cost: Cost) -> bool:
        """Count a request and return True where it may begin now, without waiting; `release` it once it is over."""
        now = self._now()
        if self._waiting and self._is_preceded(priority, cost, now):
            return False
        if self._budget.opens_at(priority, cost, now) > now:
            return False
        self._begin(priority, cost, now)
        return True

    async def acquire(self, priority: Priority, cost: Cost, *, seconds_max: float, stop: asyncio.Event) -> bool:
        """Count a request and return True as soon as it may begin; `release` it once it is over.

        Return False where a quiet period lasts longer than *seconds_max*, or until *stop* is set.
        """
        return self.try_acquire(priority, cost) or await self._waited(priority, cost, seconds_max, stop)

    def release(self, priority: Priority, cost: Cost) -> None:
        """Record that a request is over; orders need not be released."""
        self._budget.end(priority, cost, self._now())
        self._admit()

    def refuse(self, wait_seconds: float | None, *, banned: bool) -> None:
        """Keep quiet, as the exchange asked in answer to any request."""
        self._budget.refuse(wait_seconds, self._now(), banned=banned)
        self._metrics.refused(banned=banned)
        self.refused.set()
        log.warning("the exchange wants quiet", seconds=round(self.quiet_seconds(), 1), banned=banned)
        self._admit()
        self.notify(self.quiet_seconds(), banned)

    def heard(self, quiet_seconds: float, *, banned: bool) -> None:
        """Keep quiet where another limiter of this process was banned; its rate alone holds up no order."""
        if not banned:
            return
        self._budget.keep_quiet(self._now() + quiet_seconds, banned=True)
        self.refused.set()
        log.warning("the exchange has banned this address", seconds=round(self.quiet_seconds(), 1))
        self._admit()

    def admission(self, priority: Priority) -> Admission:
        """Return the admission that HTTP requests of *priority* pass."""
        return partial(self._admitted, priority)

    @asynccontextmanager
    async def _admitted(self, priority: Priority, method: str, path: str) -> AsyncIterator[None]:
        cost = cost_of(method, path)
        if not await self.acquire(priority, cost, seconds_max=QUIET_WAIT_SECONDS_MAX, stop=asyncio.Event()):
            raise RateLimited(self.quiet_seconds(), banned=self.banned_seconds() > 0)
        try:
            yield
            self._budget.succeeded()
        except RateLimited as refusal:
            self.refuse(refusal.retry_after_seconds, banned=refusal.banned)
            raise
        finally:
            self.release(priority, cost)

    async def _waited(self, priority: Priority, cost: Cost, seconds_max: float, stop: asyncio.Event) -> bool:
        if not self._budget.is_possible(priority, cost):
            raise ValueError(f"a weight of {cost.weight} never fits")
        asked_at = self._now()
        admitted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiter = Waiter(priority, next(self._numbers), cost, asked_at + seconds_max, admitted)
        self._waiting.append(waiter)
        self._admit()
        stopping = asyncio.create_task(self._give_up_quiet(waiter, stop), name="rate-limit-stop")
        try:
            return await admitted
        except asyncio.CancelledError:
            if admitted.done() and not admitted.cancelled() and admitted.result():
                self._budget.take_back(priority, cost)
            raise
        finally:
            stopping.cancel()
            self._admit()
            self._metrics.waited(priority, self._now() - asked_at)

    async def _give_up_quiet(self, waiter: Waiter, stop: asyncio.Event) -> None:
        """End the wait for the end of a quiet period at a *stop*; a wait for the limits goes on."""
        await stop.wait()
        waiter.until = -math.inf
        self._admit()

    def _is_preceded(self, priority: Priority, cost: Cost, now: float) -> bool:
        """Return whether a request that goes first waits, and would have to wait longer."""
        first = min((each.priority for each in self._waiting if each.cost.pool is cost.pool), default=None)
        if first is None or first > priority:
            return False
        return not self._budget.is_reserved(priority, cost, now, waiting=first)

    def _admit(self) -> None:
        """Admit the requests whose turn it is, and set a timer for the next."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now, next_at = self._now(), math.inf
        left: list[Waiter] = []
        first: dict[Pool, Priority] = {}
        for waiter in sorted(self._waiting):
            if waiter.admitted.done():
                continue
            opens_at = self._opens_at(waiter, first.get(waiter.cost.pool), now)
            if not self._decide(waiter, opens_at, now):
                left.append(waiter)
                first.setdefault(waiter.cost.pool, waiter.priority)
                next_at = min(next_at, opens_at)
        self._waiting = left
        if next_at < math.inf:
            self._timer = self._call_later(min(next_at - now, QUIET_LOOK_SECONDS), self._admit)
        self._show()

    def _decide(self, waiter: Waiter, opens_at: float, now: float) -> bool:
        """Admit *waiter*, or let it go during a long quiet period; return whether it is decided."""
        if opens_at <= now:
            self._begin(waiter.priority, waiter.cost, now)
            waiter.admitted.set_result(True)
        elif self._budget.quiet_until > max(now, waiter.until):
            waiter.admitted.set_result(False)
        return waiter.admitted.done()

    def _opens_at(self, waiter: Waiter, first: Priority | None, now: float) -> float:
        """Return the time at which *waiter* may begin behind one of priority *first* that waits for the same pool."""
        if first is not None and not self._budget.is_reserved(waiter.priority, waiter.cost, now, waiting=first):
            return math.inf
        return self._budget.opens_at(waiter.priority, waiter.cost, now)

    def _begin(self, priority: Priority, cost: Cost, now: float) -> None:
        self._budget.begin(priority, cost, now)
        self._metrics.spent(cost)

    def _show(self) -> None:
        now = self._now()
        for pool in Pool:
            self._metrics.using(pool, self._budget.weight_used(pool, now))
        self._metrics.waiting(len(self._waiting))
