"""Orders that may be at the exchange are looked up until each is known, and nothing is ever sent for it."""

import asyncio
import itertools
from collections.abc import Collection
from datetime import timedelta
from typing import Never

import pytest

from executor.model.order import Order
from executor.reconciliation import order_reconciler
from executor.reconciliation.order_reconciler import FIRST_WAIT_SECONDS, LOOKS_AT_ONCE, WAIT_SECONDS_MAX
from executor.venues.venue import EVERY_WAY, Finding, Way
from shared.errors import TransientError
from shared.events import Mode
from shared.mexc.errors import ExchangeUnavailable, RateLimited
from shared.postgres.database import Database
from tests.support.fakes.venues import Behaviour, ModelExchange, ModelVenue
from tests.support.running.executors import Executor, Time, a_coin, configure
from tests.waiting import eventually


class CountingVenue(ModelVenue):
    """Remembers who was looked up, and when; raises what it is told to for one symbol."""

    def __init__(self, exchange: ModelExchange) -> None:
        super().__init__(exchange)
        self.looked_up: list[tuple[str, float]] = []
        self.errors: dict[str, Exception] = {}
        self.answers = asyncio.Event()
        self.answers.set()

    async def look_up(self, order: Order, ways: Collection[Way] = EVERY_WAY, /, *, has_ended: bool = False) -> Finding:
        self.looked_up.append((order.symbol, asyncio.get_running_loop().time()))
        await self.answers.wait()
        if order.symbol in self.errors:
            raise self.errors[order.symbol]
        return await super().look_up(order, ways, has_ended=has_ended)


@pytest.fixture
def venue(exchange: ModelExchange) -> ModelVenue:
    return CountingVenue(exchange)


@pytest.fixture
async def live(database: Database, executor: Executor, venue: CountingVenue) -> Executor:
    await configure(database, "auto_trade = true")
    executor.venues[Mode.LIVE] = venue
    return executor


async def states(executor: Executor) -> list[str]:
    return [row["state"] for row in await executor.rows()]


async def nothing_in_the_way(executor: Executor) -> bool:
    return await executor.resolver.obstacles(Mode.LIVE) == []


async def test_a_resting_order_is_given_a_moment_and_then_cancelled(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.append(Behaviour.REST)
    await live.buy(a_coin("NEW", time))
    await live.resolve()
    before = exchange.entries[0].working
    time.pass_by(71)

    await live.resolve()
    await live.resolve()

    assert (before, exchange.entries[0].working) == (True, False)
    assert await states(live) == ["expired"]


async def test_an_unanswered_order_that_is_found_working_is_acknowledged(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.append(Behaviour.LOSE_ANSWER)
    await live.buy(a_coin("NEW", time))
    exchange.entries[0].working = True

    await live.resolve()

    [row] = await live.rows()
    assert (row["state"], row["exchange_order_id"]) == ("acknowledged", "X1")


async def test_an_order_that_somebody_may_still_be_sending_is_left_alone(live: Executor, time: Time) -> None:
    await live.handle(a_coin("NEW", time))  # Its sender is gone.
    time.pass_by(64)
    await live.resolve()
    before = await states(live)
    time.pass_by(2)
    await live.resolve()

    assert (before, await states(live)) == (["sending"], ["unknown"])


async def test_absence_takes_the_whole_window_and_several_looks(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.append(Behaviour.SWALLOW)
    await live.buy(a_coin("NEW", time))
    settings = live.settings
    window = settings.exchange_timeout_seconds + settings.recv_window_ms / 1000 + settings.protection_seconds
    for _ in range(10):  # However often it is looked for within the window, that proves nothing.
        await live.resolve()
    time.pass_by(window + 1)
    for _ in range(settings.absent_reads - 1):
        await live.resolve()
    before = await states(live)
    await live.resolve()

    assert (before, await states(live)) == (["unknown"], ["failed"])


@pytest.mark.parametrize("error", [RuntimeError("a fault of ours"), ExchangeUnavailable("HTTP 503")])
async def test_one_order_that_cannot_be_looked_up_does_not_keep_the_others_from_it(
    live: Executor, venue: CountingVenue, time: Time, error: Exception
) -> None:
    venue.errors["ONEUSDT"] = error
    for name in ("ONE", "TWO"):
        await live.buy(a_coin(name, time))

    assert await live.resolver.obstacles(Mode.LIVE)
    assert await states(live) == ["acknowledged", "filled"]


async def test_a_slow_exchange_is_asked_about_a_few_orders_at_once(
    live: Executor, venue: CountingVenue, time: Time
) -> None:
    names = [f"T{number}" for number in range(LOOKS_AT_ONCE + 2)]
    for name in names:
        await live.buy(a_coin(name, time))
    venue.answers.clear()

    async with asyncio.TaskGroup() as group:
        asking = group.create_task(live.resolver.obstacles(Mode.LIVE))
        await eventually(lambda: len(venue.looked_up) >= LOOKS_AT_ONCE)
        asked_at_once = len(venue.looked_up)
        venue.answers.set()

    assert asking.result() == []
    assert asked_at_once == LOOKS_AT_ONCE
    assert await states(live) == ["filled"] * len(names)


async def test_an_order_is_looked_for_by_one_look_at_a_time(live: Executor, venue: CountingVenue, time: Time) -> None:
    """At a start there are two who look: the reconciliation, and the resolver as ever after."""
    await live.buy(a_coin("NEW", time))
    venue.answers.clear()
    async with asyncio.TaskGroup() as group:
        reconciling = group.create_task(live.resolver.obstacles(Mode.LIVE))
        group.create_task(live.resolver.look_up_due())
        await eventually(lambda: venue.looked_up)
        for _ in range(10):  # Long enough for the other to have looked, too.
            await live.rows()
        at_once = len(venue.looked_up)
        venue.answers.set()

    assert at_once == 1
    assert reconciling.result() == []
    assert await states(live) == ["filled"]


async def test_a_rate_limit_is_heeded_before_anything_else_is_asked(
    live: Executor, venue: CountingVenue, time: Time
) -> None:
    venue.errors["ONEUSDT"] = RateLimited(0.2)
    for name in ("ONE", "TWO"):
        await live.buy(a_coin(name, time))
    limited_at = asyncio.get_running_loop().time()

    assert await live.resolver.obstacles(Mode.LIVE)
    del venue.errors["ONEUSDT"]
    await eventually(lambda: nothing_in_the_way(live))

    assert await states(live) == ["filled", "filled"]
    assert [symbol for symbol, _ in venue.looked_up] == ["ONEUSDT", "ONEUSDT", "TWOUSDT"]
    assert venue.looked_up[1][1] - limited_at >= 0.2


async def test_an_order_is_due_as_soon_as_a_quiet_ends(live: Executor, venue: CountingVenue, time: Time) -> None:
    """What could not be asked meanwhile counts as no look, after which the next would come later."""
    venue.errors["ONEUSDT"] = RateLimited(20)
    await live.buy(a_coin("ONE", time))
    clock = asyncio.get_running_loop().time
    for _ in range(10):
        await live.resolver.look_up_due()
        for search in live.resolver._searches.values():
            search.due_at = clock()
    await live.resolver.look_up_due()

    [search] = live.resolver._searches.values()
    assert [symbol for symbol, _ in venue.looked_up] == ["ONEUSDT"]
    assert search.wait_seconds == FIRST_WAIT_SECONDS * 2
    assert search.due_at == pytest.approx(venue.looked_up[0][1] + 20, abs=1)


async def test_of_several_rate_limits_the_longest_holds(live: Executor, venue: CountingVenue, time: Time) -> None:
    venue.errors = {"ONEUSDT": RateLimited(0.5), "TWOUSDT": RateLimited(0.01)}
    names = [f"T{number}" for number in range(LOOKS_AT_ONCE)]
    for name in ("ONE", "TWO", *names):
        await live.buy(a_coin(name, time))
    venue.answers.clear()

    async with asyncio.TaskGroup() as group:
        group.create_task(live.resolver.obstacles(Mode.LIVE))
        await eventually(lambda: len(venue.looked_up) == LOOKS_AT_ONCE)
        limited_at = asyncio.get_running_loop().time()
        venue.answers.set()
    venue.errors.clear()
    await eventually(lambda: nothing_in_the_way(live))

    assert min(at for _, at in venue.looked_up[LOOKS_AT_ONCE:]) - limited_at >= 0.5


async def test_an_order_is_looked_up_soon_after_it_was_sent_and_then_less_and_less_often(
    live: Executor, venue: CountingVenue, exchange: ModelExchange, time: Time
) -> None:
    exchange.read_lag = timedelta(hours=1)
    until = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(live.resolver.run(until))
        await live.buy(a_coin("NEW", time))
        sent_at = asyncio.get_running_loop().time()
        await eventually(lambda: len(venue.looked_up) >= 5)
        until.set()

    at = [moment for _, moment in venue.looked_up]
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert at[0] - sent_at < WAIT_SECONDS_MAX
    assert all(gap >= FIRST_WAIT_SECONDS * 2**number for number, gap in enumerate(gaps))


async def test_what_is_being_sent_here_is_not_looked_up_meanwhile(
    live: Executor, venue: CountingVenue, exchange: ModelExchange, time: Time
) -> None:
    answer = asyncio.Event()

    async def hold(*_: object) -> None:
        await answer.wait()

    exchange.on_request = hold
    await live.handle(a_coin("NEW", time))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(live.send_all())
        await eventually(lambda: exchange.received)
        await live.resolver.look_up_due()
        answer.set()

    assert venue.looked_up == []


@pytest.mark.parametrize("error", [TransientError("database away"), RuntimeError("a fault of ours")])
async def test_a_look_that_cannot_be_taken_is_not_taken_again_at_once(
    live: Executor, venue: CountingVenue, exchange: ModelExchange, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    exchange.script.append(Behaviour.LOSE_ANSWER)
    venue.errors["NEWUSDT"] = ExchangeUnavailable("down")
    await live.buy(a_coin("NEW", live.time))
    await live.resolver.look_up_due()
    waits: list[float] = []
    until = asyncio.Event()

    async def away(_: object) -> Never:
        raise error

    async def wait(seconds: float, _: asyncio.Event) -> None:
        await asyncio.sleep(FIRST_WAIT_SECONDS)  # Meanwhile it is due again.
        waits.append(seconds)
        if len(waits) == 5:
            until.set()

    monkeypatch.setattr(live.books, "at_large", away)
    monkeypatch.setattr(order_reconciler, "pause", wait)
    await live.resolver.run(until)

    assert min(waits) >= order_reconciler.AGAIN_SECONDS
