"""Two limiters of one process: what the exchange tells one of them holds for the address of both."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from prometheus_client import CollectorRegistry

from executor.rate_limits.rate_budget import RateBudget, RateLimits
from executor.rate_limits.rate_limiter import RateLimiter
from executor.rate_limits.sliding_window import Priority
from ingest.budget.budget_metrics import BudgetMetrics
from ingest.budget.rate_limit import Limits
from ingest.budget.request_budget import RequestBudget
from shared.mexc.errors import RateLimited
from shared.mexc.http.shared_refusals import Refusals
from shared.mexc.retry_after import BANNED_SECONDS
from shared.mexc.weights import ORDER, cost_of
from tests.support.fakes.limiters import Clock, metrics

BOOK = cost_of("GET", "/api/v3/depth")


class Process:
    """One address, from which an executor and an ingest ask."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.executor = RateLimiter(
            RateBudget(RateLimits()),
            metrics(),
            now=self.clock,
            call_later=self.clock.call_later,
        )
        self.ingest = RequestBudget(Limits(), BudgetMetrics(CollectorRegistry()), now=self.clock)

    def ingest_seconds(self) -> float:
        """Return for how long ingest asks nothing."""
        return self.ingest.usage().quiet_seconds

    async def ingest_is_refused(self, refusal: RateLimited) -> None:
        with pytest.raises(RateLimited):
            async with self.ingest.spend(1):
                raise refusal

    @asynccontextmanager
    async def ingest_under_way(self) -> AsyncIterator[list[RateLimited]]:
        """Have a request of ingest under way during the block, and refused at its end by what is in the list."""
        refusals: list[RateLimited] = []
        with suppress(RateLimited):
            async with self.ingest.spend(1):
                yield refusals
                raise refusals[0]


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.mark.parametrize("banned", [False, True])
async def test_what_the_executor_is_refused_keeps_ingest_quiet(process: Process, *, banned: bool) -> None:
    refusals = Refusals()
    async with refusals.shared(process.executor), refusals.shared(process.ingest):
        process.executor.refuse(30, banned=banned)

        assert process.ingest_seconds() == pytest.approx(30)
        assert process.ingest.usage().banned is banned
        assert ("banned" in process.ingest.trouble()) is banned
        assert process.ingest.refused.is_set()


async def test_a_ban_that_ingest_is_told_of_keeps_the_executor_quiet(process: Process) -> None:
    refusals = Refusals()
    async with refusals.shared(process.executor), refusals.shared(process.ingest):
        await process.ingest_is_refused(RateLimited(120, banned=True))

        assert process.executor.banned_seconds() == pytest.approx(120)
        assert not process.executor.try_acquire(Priority.EXIT, ORDER)
        assert process.executor.refused.is_set()


async def test_a_limit_that_ingest_has_passed_holds_up_no_order(process: Process) -> None:
    """Polls can wait; if the address has no room for the order either, its own answer says so."""
    refusals = Refusals()
    async with refusals.shared(process.executor), refusals.shared(process.ingest):
        await process.ingest_is_refused(RateLimited(30))

        assert process.executor.quiet_seconds() == 0
        assert process.executor.try_acquire(Priority.EXIT, ORDER)


async def test_a_quiet_that_is_longer_already_stays_as_long(process: Process) -> None:
    refusals = Refusals()
    async with refusals.shared(process.executor), refusals.shared(process.ingest):
        await process.ingest_is_refused(RateLimited(120, banned=True))
        process.executor.refuse(30, banned=False)

        assert process.ingest_seconds() == pytest.approx(120)
        assert process.ingest.usage().banned


async def test_an_order_that_waits_goes_when_the_quiet_of_another_is_over(process: Process) -> None:
    refusals, stop = Refusals(), asyncio.Event()
    began = process.clock.now
    async with refusals.shared(process.executor), refusals.shared(process.ingest):
        await process.ingest_is_refused(RateLimited(0.5, banned=True))
        waiting = process.executor.acquire(Priority.EXIT, BOOK, seconds_max=1, stop=stop)
        assert await process.clock.during(waiting)

    assert process.clock.now - began == pytest.approx(0.5)


async def test_whoever_has_left_hears_and_tells_nothing(process: Process) -> None:
    refusals = Refusals()
    async with refusals.shared(process.ingest):
        async with refusals.shared(process.executor):
            pass
        process.executor.refuse(30, banned=True)
        assert process.ingest_seconds() == 0
        await process.ingest_is_refused(RateLimited(60, banned=True))

    assert process.executor.banned_seconds() == pytest.approx(30)


async def test_a_longer_quiet_of_ingest_makes_no_ban_of_the_executor_longer(process: Process) -> None:
    refusals = Refusals()
    async with refusals.shared(process.executor), refusals.shared(process.ingest):
        async with process.ingest_under_way() as under_way:
            await process.ingest_is_refused(RateLimited(600))
            under_way.append(RateLimited(5, banned=True))

        assert process.executor.banned_seconds() == pytest.approx(5)
        assert process.ingest_seconds() == pytest.approx(600)


@pytest.mark.parametrize("named", [None, 0.0])
async def test_a_ban_of_unnamed_length_is_no_longer_for_sales_because_polls_were_refused_before(
    process: Process, named: float | None
) -> None:
    refusals = Refusals()
    async with refusals.shared(process.executor), refusals.shared(process.ingest):
        for _ in range(4):
            await process.ingest_is_refused(RateLimited())
            process.clock.now += process.ingest_seconds() + 1
        await process.ingest_is_refused(RateLimited(named, banned=True))

        assert process.ingest_seconds() > 2 * BANNED_SECONDS
        assert process.executor.banned_seconds() == pytest.approx(BANNED_SECONDS)
