"""Order in which requests are let through, and times when none is."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from ingest.budget.budget_metrics import BudgetMetrics
from ingest.budget.rate_limit import Limits
from ingest.budget.request_budget import WAITING_MAX, OverbookedError, Priority, RequestBudget
from shared.mexc.errors import RateLimited
from tests.waiting import eventually

PLENTY = Limits(weight=1000, requests=1000)


class Clock:
    """Time as the budget sees it; its timers are real, so they come early or late and must not be trusted."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Queue:
    """Requests for one budget, by name, as they are let through."""

    def __init__(self, budget: RequestBudget, tasks: asyncio.TaskGroup) -> None:
        self.budget = budget
        self.admitted: list[str] = []
        self._tasks = tasks

    async def ask(self, name: str, weight: int, priority: Priority = Priority.ROUTINE) -> asyncio.Task[None]:
        """Let a request wait its turn; it is in line when this returns."""
        task = self._tasks.create_task(self._spend(name, weight, priority))
        await asyncio.sleep(0)
        return task

    async def _spend(self, name: str, weight: int, priority: Priority) -> None:
        async with self.budget.spend(weight, priority):
            self.admitted.append(name)

    async def admits(self, *names: str) -> None:
        await eventually(lambda: self.admitted == list(names))


@asynccontextmanager
async def queue_for(budget: RequestBudget) -> AsyncIterator[Queue]:
    async with asyncio.TaskGroup() as tasks:
        yield Queue(budget, tasks)


@asynccontextmanager
async def held(budget: RequestBudget, weight: int) -> AsyncIterator[asyncio.Event]:
    """Keep *weight* under way until the event is set, and at most until the block ends."""
    begun, end = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with budget.spend(weight):
            begun.set()
            await end.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hold())
        await begun.wait()
        yield end
        end.set()


async def test_urgent_request_overtakes_all_that_wait(registry: CollectorRegistry) -> None:
    budget = RequestBudget(Limits(weight=30, weight_seconds=0.01), BudgetMetrics(registry))
    async with held(budget, 30) as end, queue_for(budget) as queue:
        await queue.ask("spare", 25, Priority.SPARE)
        await queue.ask("routine", 25, Priority.ROUTINE)
        await queue.ask("urgent", 25, Priority.URGENT)
        end.set()
        await queue.admits("urgent", "routine", "spare")


async def test_requests_of_one_priority_go_in_the_order_they_came(registry: CollectorRegistry) -> None:
    budget = RequestBudget(Limits(weight=30, weight_seconds=0.01), BudgetMetrics(registry))
    async with held(budget, 30) as end, queue_for(budget) as queue:
        for name, weight in (("a", 20), ("b", 1), ("c", 30), ("d", 1)):
            await queue.ask(name, weight)
        end.set()
        await queue.admits("a", "b", "c", "d")


async def test_heavy_request_gets_its_turn_under_a_stream_of_urgent_ones(
    registry: CollectorRegistry, clock: Clock
) -> None:
    budget = RequestBudget(Limits(weight=30, weight_seconds=0.01), BudgetMetrics(registry), clock)
    async with held(budget, 30) as end, queue_for(budget) as queue:
        await queue.ask("heavy", 25, Priority.SPARE)
        clock.now += Priority.SPARE.value + 1
        await queue.ask("urgent", 10, Priority.URGENT)
        end.set()
        await asyncio.sleep(0)
        clock.now += 0.05
        await eventually(lambda: queue.admitted)
        assert queue.admitted[0] == "heavy"
        clock.now += 0.05
        await queue.admits("heavy", "urgent")


async def test_light_request_does_not_slip_past_the_heavy_one_before_it(
    registry: CollectorRegistry, clock: Clock
) -> None:
    budget = RequestBudget(Limits(weight=30), BudgetMetrics(registry), clock)
    async with held(budget, 20), queue_for(budget) as queue:
        heavy = await queue.ask("heavy", 25)
        light = await queue.ask("light", 1)
        assert queue.admitted == []

        heavy.cancel()
        await queue.admits("light")
        await light


async def test_request_cancelled_as_it_is_let_through_gives_its_weight_back(
    registry: CollectorRegistry, clock: Clock
) -> None:
    budget = RequestBudget(Limits(weight=30), BudgetMetrics(registry), clock)
    async with queue_for(budget) as queue:
        async with held(budget, 30) as end:
            waiting = await queue.ask("cancelled", 30)
            clock.now += 20
            end.set()
            await asyncio.sleep(0)
            clock.now += 20
            budget._admit()  # Its turn comes in the same moment as its end.
            waiting.cancel()
        await queue.ask("next", 30)
        await queue.admits("next")


async def test_refusal_closes_the_budget_for_everybody_and_says_so(registry: CollectorRegistry, clock: Clock) -> None:
    budget = RequestBudget(PLENTY, BudgetMetrics(registry), clock)
    with pytest.raises(RateLimited):
        async with budget.spend(1):
            raise RateLimited(0.05, banned=True)

    assert "REST: banned until" in budget.trouble()
    assert registry.get_sample_value("sniper_ingest_rest_refusals_total", {"status": "418"}) == 1
    closed_until = registry.get_sample_value("sniper_ingest_rest_closed_until_timestamp_seconds")
    assert closed_until == pytest.approx(time.time(), abs=60)
    async with queue_for(budget) as queue:
        for priority in Priority:
            await queue.ask(priority.name, 1, priority)
        assert queue.admitted == []

        clock.now += 0.06
        await eventually(lambda: len(queue.admitted) == 3)
    assert budget.trouble() == ""


async def test_weight_sent_and_used_is_seen(registry: CollectorRegistry, clock: Clock) -> None:
    budget = RequestBudget(PLENTY, BudgetMetrics(registry), clock)
    for _ in range(2):
        async with budget.spend(25):
            pass

    assert registry.get_sample_value("sniper_ingest_rest_weight_total") == 50
    assert registry.get_sample_value("sniper_ingest_rest_weight_used") == 50


async def test_line_is_bounded(registry: CollectorRegistry, clock: Clock) -> None:
    budget = RequestBudget(Limits(weight=1), BudgetMetrics(registry), clock)
    async with held(budget, 1), queue_for(budget) as queue:
        waiting = [await queue.ask(str(number), 1) for number in range(WAITING_MAX)]
        with pytest.raises(OverbookedError):
            async with budget.spend(1):
                pass
        for task in waiting:
            task.cancel()


async def test_weight_that_never_fits_is_a_mistake(registry: CollectorRegistry) -> None:
    with pytest.raises(ValueError, match="31"):
        async with RequestBudget(Limits(weight=30), BudgetMetrics(registry)).spend(31):
            pass
