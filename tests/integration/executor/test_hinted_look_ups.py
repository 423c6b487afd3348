"""Look-ups that a push brings forward: they settle what they find, and a miss of theirs proves nothing."""

import asyncio
from collections.abc import Collection
from datetime import timedelta

import pytest

from executor.model.order import Order
from executor.reconciliation.order_reconciler import HINTED_WAYS
from executor.reconciliation.order_search import HINTS_MAX
from executor.venues.venue import EVERY_WAY, Finding, Way
from shared.events import Mode
from shared.postgres.database import Database
from tests.support.fakes.venues import Behaviour, ModelExchange, ModelVenue
from tests.support.running.executors import Executor, Time, a_coin, configure
from tests.waiting import eventually


class CountingVenue(ModelVenue):
    """Remembers by which ways orders were looked up."""

    def __init__(self, exchange: ModelExchange) -> None:
        super().__init__(exchange)
        self.looks: list[tuple[Way, ...]] = []

    async def look_up(self, order: Order, ways: Collection[Way] = EVERY_WAY, /, *, has_ended: bool = False) -> Finding:
        self.looks.append(tuple(ways))
        return await super().look_up(order, ways, has_ended=has_ended)


@pytest.fixture
async def venue(database: Database, executor: Executor, exchange: ModelExchange) -> CountingVenue:
    await configure(database, "auto_trade = true")
    counting = CountingVenue(exchange)
    executor.venues[Mode.LIVE] = counting
    return counting


async def in_doubt(executor: Executor, time: Time, *, shown_after_seconds: float = 3) -> Order:
    """Have an order taken and its answer lost, which the exchange does not show yet; look it up once in vain."""
    executor.exchange.read_lag = timedelta(seconds=shown_after_seconds)
    executor.exchange.script.append(Behaviour.LOSE_ANSWER)
    await executor.buy(a_coin("NEW", time))
    [order] = await executor.books.at_large(["live"])
    await executor.resolver.look_up_due()
    executor.resolver._searches[order.sent_as].due_at = asyncio.get_running_loop().time() + 3_600
    return order


async def test_a_hint_settles_an_order_long_before_its_next_look_up(
    executor: Executor, venue: CountingVenue, time: Time
) -> None:
    order = await in_doubt(executor, time)
    time.pass_by(4)
    await executor.resolver.look_up_due()
    before = [row["state"] for row in await executor.rows()]

    assert executor.resolver.hint(order.sent_as)
    await executor.resolver.look_up_due()

    assert (before, [row["state"] for row in await executor.rows()]) == (["unknown"], ["filled"])
    assert venue.looks[-1] == HINTED_WAYS


async def test_hints_before_the_exchange_shows_the_order_prove_no_absence(
    executor: Executor, venue: CountingVenue, time: Time
) -> None:
    order = await in_doubt(executor, time, shown_after_seconds=86_400)
    time.pass_by(3_600)
    tried, missed = dict(executor.resolver._searches[order.sent_as].tried), (await executor.rows())[0]

    for _ in range(HINTS_MAX):
        assert executor.resolver.hint(order.sent_as)
        await executor.resolver.look_up_due()

    [row] = await executor.rows()
    assert (row["state"], row["misses"]) == ("unknown", missed["misses"])
    assert executor.resolver._searches[order.sent_as].tried == tried


async def test_a_flood_of_hints_costs_a_bounded_number_of_look_ups(
    executor: Executor, venue: CountingVenue, time: Time
) -> None:
    order = await in_doubt(executor, time, shown_after_seconds=86_400)
    before = len(venue.looks)

    for _ in range(10 * HINTS_MAX):
        executor.resolver.hint(order.sent_as)
        executor.resolver.hint(order.sent_as)
        await executor.resolver.look_up_due()

    assert len(venue.looks) - before == HINTS_MAX
    assert not executor.resolver.hint(order.sent_as)


async def test_a_hint_wakes_the_look_ups(executor: Executor, venue: CountingVenue, time: Time) -> None:
    order = await in_doubt(executor, time)
    time.pass_by(4)
    stop = asyncio.Event()

    async def is_filled() -> bool:
        return [row["state"] for row in await executor.rows()] == ["filled"]

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(executor.resolver.run(stop))
        executor.resolver.hint(order.sent_as)
        await eventually(is_filled)
        stop.set()


async def test_a_hint_about_an_order_that_is_settled_or_unknown_asks_for_nothing(
    executor: Executor, venue: CountingVenue, time: Time
) -> None:
    executor.exchange.script.append(Behaviour.FILL)
    await executor.buy(a_coin("NEW", time))
    await executor.resolve()
    await executor.resolver.look_up_due()
    before = len(venue.looks)

    [row] = await executor.rows()
    assert not executor.resolver.hint(row["client_order_id"])
    assert not executor.resolver.hint("snABCDEFGHIJKLMNOPQRSTUVWXYZ")
    await executor.resolver.look_up_due()

    assert len(venue.looks) == before
