"""Who goes now, and who waits for whom."""

import asyncio
from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry

from executor.rate_limits.limiter_metrics import LimiterMetrics
from executor.rate_limits.rate_budget import EXITS_FIRST_SECONDS, RateBudget, RateLimits
from executor.rate_limits.rate_limiter import RateLimiter
from executor.rate_limits.sliding_window import Priority
from shared.mexc.errors import QUIET_LOOK_SECONDS, RateLimited
from shared.mexc.weights import ORDER, Cost, Pool, cost_of
from shared.postgres.stored_rate_usage import Usage
from tests.support.fakes.limiters import Clock

TRADES = cost_of("GET", "/api/v3/myTrades")
BOOK = cost_of("GET", "/api/v3/depth")
PATHS = ("GET", "/api/v3/myTrades")


class Ground:
    def __init__(self, limits: RateLimits | None = None) -> None:
        self.clock, self.registry = Clock(), CollectorRegistry()
        budget = RateBudget(limits or RateLimits(key_requests=10_000))
        self.limiter = RateLimiter(
            budget, LimiterMetrics(self.registry), now=self.clock, call_later=self.clock.call_later
        )
        self.went: list[tuple[str, float]] = []

    async def ask(self, priority: Priority, method: str = "GET", path: str = "/api/v3/myTrades") -> None:
        async with self.limiter.admission(priority)(method, path):
            self.went.append((priority.name, self.clock.now))

    def use_up(self, priority: Priority, cost: Cost = TRADES) -> int:
        count = 0
        while self.limiter.try_acquire(priority, cost):
            self.limiter.release(priority, cost)
            count += 1
        return count

    def sample(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"sniper_executor_rate_{name}", labels)


@pytest.fixture
def ground() -> Ground:
    return Ground()


async def all_of(ground: Ground, *priorities: Priority) -> None:
    async with asyncio.TaskGroup() as tasks:
        for each in priorities:
            tasks.create_task(ground.ask(each))


async def test_those_who_wait_go_by_priority_and_not_by_when_they_came(ground: Ground) -> None:
    for priority in Priority:
        ground.use_up(priority)

    await ground.clock.during(all_of(ground, *reversed(Priority)))

    names = [name for name, _ in ground.went]
    assert names == [each.name for each in sorted(Priority)]
    assert ground.sample("wait_seconds_count", priority="exit") == 1


async def test_an_exit_does_not_wait_for_lookups_that_wait(ground: Ground) -> None:
    ground.use_up(Priority.PURCHASE_LOOKUP)
    waiting = asyncio.create_task(ground.ask(Priority.PURCHASE_LOOKUP))
    await asyncio.sleep(0)

    assert ground.limiter.try_acquire(Priority.EXIT, TRADES)
    assert ground.limiter.try_acquire(Priority.PURCHASE, ORDER)

    waiting.cancel()


async def test_a_sale_that_needs_the_rules_has_them_before_the_looks_that_wait_and_within_what_purchases_left(
    ground: Ground,
) -> None:
    ground.use_up(Priority.WATCH, cost_of("GET", "/api/v3/ticker/bookTicker"))
    looking = asyncio.create_task(ground.ask(Priority.WATCH, path="/api/v3/depth"))
    await asyncio.sleep(0)

    await ground.ask(Priority.EXIT, path="/api/v3/exchangeInfo")

    assert [name for name, _ in ground.went] == ["EXIT"]
    looking.cancel()


async def test_looks_within_their_reserve_go_on_while_a_sale_waits_and_purchases_do_not() -> None:
    ground = Ground(RateLimits(address_requests=10_000))
    ground.use_up(Priority.EXIT, cost_of("GET", "/api/v3/exchangeInfo"))

    async def both() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ground.ask(Priority.EXIT, path="/api/v3/exchangeInfo"))
            await asyncio.sleep(0)
            tasks.create_task(ground.ask(Priority.PURCHASE, path="/api/v3/depth"))
            tasks.create_task(ground.ask(Priority.WATCH, path="/api/v3/depth"))

    await ground.clock.during(both())

    assert [name for name, _ in ground.went] == ["WATCH", "EXIT", "PURCHASE"]


async def test_a_lighter_lookup_does_not_overtake_a_heavier_one_of_its_kind(ground: Ground) -> None:
    ground.use_up(Priority.PURCHASE_LOOKUP)

    async def both() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ground.ask(Priority.PURCHASE_LOOKUP))
            await asyncio.sleep(0)
            tasks.create_task(ground.ask(Priority.OTHER, "GET", "/api/v3/order"))

    await ground.clock.during(both())

    assert [name for name, _ in ground.went] == ["PURCHASE_LOOKUP", "OTHER"]


async def test_one_who_gives_up_waiting_takes_nothing_and_lets_the_next_go(ground: Ground) -> None:
    ground.use_up(Priority.OTHER)
    waiting = asyncio.create_task(ground.ask(Priority.PURCHASE_LOOKUP))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    await ground.clock.during(ground.ask(Priority.OTHER))

    assert [name for name, _ in ground.went] == ["OTHER"]
    assert ground.sample("waiting") == 0


async def test_a_refusal_that_one_meets_quiets_all(ground: Ground) -> None:
    with pytest.raises(RateLimited):
        async with ground.limiter.admission(Priority.PURCHASE_LOOKUP)(*PATHS):
            raise RateLimited(30, banned=True)

    for priority in Priority:
        for method, path in (PATHS, ("GET", "/api/v3/depth")):
            with pytest.raises(RateLimited) as refused:
                await ground.ask(priority, method, path)
            assert refused.value.banned
            assert refused.value.retry_after_seconds == pytest.approx(30)
    assert not ground.limiter.try_acquire(Priority.EXIT, ORDER)
    assert ground.went == []
    assert ground.sample("quiet_seconds") == pytest.approx(30)
    assert ground.sample("refusals_total", status="418") == 1


async def test_a_refusal_of_ours_is_not_one_of_the_exchange(ground: Ground) -> None:
    ground.limiter.refuse(30, banned=False)

    with pytest.raises(RateLimited):
        await ground.ask(Priority.EXIT)

    assert ground.limiter.quiet_seconds() == pytest.approx(30)
    assert ground.sample("refusals_total", status="429") == 1


async def test_a_ban_without_a_time_lasts_two_minutes(ground: Ground) -> None:
    with pytest.raises(RateLimited):
        async with ground.limiter.admission(Priority.EXIT)(*PATHS):
            raise RateLimited(banned=True)

    assert ground.limiter.banned_seconds() == pytest.approx(120)


async def test_exits_go_first_when_a_quiet_ends(ground: Ground) -> None:
    ground.limiter.refuse(0.9, banned=False)

    await ground.clock.during(all_of(ground, Priority.PURCHASE_LOOKUP, Priority.PURCHASE, Priority.EXIT))

    assert [name for name, _ in ground.went] == ["EXIT", "PURCHASE", "PURCHASE_LOOKUP"]
    assert [at for _, at in ground.went] == pytest.approx([100.9, 100.9, 100.9 + EXITS_FIRST_SECONDS])


async def test_six_orders_in_doubt_are_looked_for_without_ever_exceeding_the_limit() -> None:
    """Three calls each, of 15 weight together, as often as there is weight."""
    ground, calls = Ground(), list[tuple[float, int]]()

    async def look_for() -> None:
        for path in ("/api/v3/order", "/api/v3/openOrders", "/api/v3/allOrders"):
            async with ground.limiter.admission(Priority.PURCHASE_LOOKUP)("GET", path):
                calls.append((ground.clock.now, cost_of("GET", path).weight))

    async def all_of_them() -> None:
        for _ in range(5):
            await asyncio.gather(*(look_for() for _ in range(6)))

    await ground.clock.during(all_of_them())

    assert len(calls) == 5 * 6 * 3
    for start, _ in calls:
        assert sum(weight for at, weight in calls if start <= at < start + 10) <= 280 - 56 - 40 - 40


def totals(used: Mapping[str, int]) -> dict[str, int]:
    """Return what each priority used of each pool, whenever it is free again."""
    return {name: amount for name, amount in used.items() if not name[-1].isdigit()}


async def test_a_start_goes_on_from_what_was_used_before(ground: Ground) -> None:
    ground.use_up(Priority.PURCHASE_LOOKUP)
    ground.use_up(Priority.EXIT)
    before = ground.limiter.usage()
    after = Ground()

    after.limiter.resume(Usage(before.used, age_seconds=4))

    assert totals(after.limiter.usage().used) == totals(before.used)
    assert not after.limiter.try_acquire(Priority.PURCHASE_LOOKUP, TRADES)
    assert not after.limiter.try_acquire(Priority.EXIT, TRADES)
    after.clock.now += 6.1
    assert after.limiter.try_acquire(Priority.PURCHASE_LOOKUP, TRADES)


async def test_a_start_soon_after_another_leaves_the_reserves_to_sales(ground: Ground) -> None:
    """What a killed process may have used is presumed on top of what the one before it had used."""
    ground.use_up(Priority.PURCHASE_LOOKUP)
    second, third = Ground(), Ground()
    second.limiter.resume(ground.limiter.usage())
    third.limiter.resume(second.limiter.presumed())

    assert third.limiter.try_acquire(Priority.EXIT, TRADES)
    assert third.limiter.try_acquire(Priority.SALE_LOOKUP, TRADES)
    assert not third.limiter.try_acquire(Priority.PURCHASE_LOOKUP, TRADES)


@pytest.mark.parametrize("is_told", [True, False])
async def test_what_was_used_before_is_free_again_when_it_would_have_been_or_at_last_where_that_is_not_told(
    ground: Ground, *, is_told: bool
) -> None:
    """A start after a steady use goes on as steadily."""
    for _ in range(10):
        assert ground.limiter.try_acquire(Priority.WATCH, BOOK)
        ground.limiter.release(Priority.WATCH, BOOK)
        ground.clock.now += 1
    used, after = ground.limiter.usage().used, Ground()
    after.limiter.resume(Usage(used if is_told else totals(used), age_seconds=2))
    left = []
    for _ in range(9):
        left.append(after.limiter.usage().used["address watch"])
        after.clock.now += 1.03

    assert left[0] <= 30
    assert left[-1] == 0
    assert left == sorted(left, reverse=True)
    assert (len(set(left)) > 6) is is_told, left


async def test_a_start_within_a_ban_asks_nothing_until_it_is_over(ground: Ground) -> None:
    ground.limiter.resume(Usage({}, quiet_seconds=90, banned=True, age_seconds=30))

    with pytest.raises(RateLimited):
        await ground.ask(Priority.EXIT)
    ground.clock.now += 90
    await ground.ask(Priority.EXIT)

    assert ground.went == [("EXIT", 190)]


async def test_a_start_that_does_not_know_what_was_used_has_only_the_reserves(ground: Ground) -> None:
    ground.limiter.resume(None)

    assert ground.limiter.try_acquire(Priority.EXIT, TRADES)
    assert ground.limiter.try_acquire(Priority.PURCHASE, ORDER)
    assert not ground.limiter.try_acquire(Priority.PURCHASE_LOOKUP, TRADES)
    assert ground.limiter.usage().used[f"{Pool.KEY.value} other"] > 0


async def test_what_never_fits_is_an_error_and_not_a_wait() -> None:
    ground = Ground(RateLimits(key_weight=4))

    with pytest.raises(ValueError, match="never fits"):
        await ground.ask(Priority.PURCHASE_LOOKUP)


async def test_what_counts_as_used_stays_true_while_nothing_is_asked(ground: Ground) -> None:
    assert ground.limiter.try_acquire(Priority.WATCH, BOOK)
    ground.limiter.release(Priority.WATCH, BOOK)
    before = ground.sample("weight_used", pool="address")
    ground.clock.now += 11
    ground.limiter.usage()

    assert (before, ground.sample("weight_used", pool="address")) == (3, 0)


def test_room_for_what_nobody_waits_for_leaves_the_reserves_of_others_alone_and_counts_nothing(ground: Ground) -> None:
    described = cost_of("GET", "/api/v3/exchangeInfo")

    assert all(ground.limiter.has_room(Priority.OTHER, described) for _ in range(10))
    assert ground.limiter.try_acquire(Priority.OTHER, described)
    assert not ground.limiter.has_room(Priority.OTHER, described)
    assert ground.limiter.has_room(Priority.PURCHASE, described)
    ground.limiter.refuse(3, banned=False)
    assert not ground.limiter.has_room(Priority.PURCHASE, described)


async def test_a_ban_is_over_at_its_time_although_the_machine_slept(ground: Ground) -> None:
    """Timers stand still meanwhile: the one that is set must not be as long as the ban."""
    ground.limiter.refuse(7200, banned=True)
    stop = asyncio.Event()
    waiting = asyncio.create_task(ground.limiter.acquire(Priority.EXIT, TRADES, seconds_max=9000, stop=stop))
    await asyncio.sleep(0)
    slept_at = ground.clock.now
    ground.clock.now += 7201
    [timer] = ground.clock.timers()
    timer.do()

    assert timer.at - slept_at <= QUIET_LOOK_SECONDS
    assert await waiting
    assert ground.limiter.banned_seconds() == 0
