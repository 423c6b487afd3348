"""Processes on the express way, killed, frozen or cut off around a purchase: everything happens exactly once."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
import pytest_asyncio
from pydantic import SecretStr

from shared.bus import rabbitmq
from shared.events import Listing, Trade
from shared.settings import BrokerSettings
from shared.wire.topology import NOTIFIER_EVENTS, NOTIFYING
from tests.faults.database_proxy import database_proxy
from tests.faults.executors import ExecutorProcess, executor_process
from tests.faults.ground import QUICK, Ground
from tests.support.running.compositions import Composition
from tests.support.running.pipelines import dedup
from tests.support.running.services import Outlet, emptying, rabbitmq_runtime, serving
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

COMMIT: Final = "cli.composing.express.claim.CLAIM_AND_RESERVE"
STEPS: Final = (COMMIT, "publish raw", "send", "handle", "moved_opening_sql.ANNOUNCED", "publish", "outbox.REMOVE")
PLACES: Final = tuple(f"{when} {step}" for step in STEPS for when in ("before", "after"))
SENT: Final = frozenset(
    {"after send", "before publish", "after publish", "before outbox.REMOVE", "after outbox.REMOVE"}
)
"""The order is at the exchange; at other points it may be, or the sighting is on the broker, or neither."""
INGEST: Final = {"default_symbols_seconds": 0.2, "exchange_info_seconds": 2, "drain_seconds": 0.5}


@pytest.fixture(scope="module")
def composition() -> Composition:
    """Every process on the express way is started by the tests themselves."""
    return Composition.NORMAL


@pytest_asyncio.fixture(loop_scope="module")
async def dedup_runs(ground: Ground) -> AsyncIterator[None]:
    async with (
        rabbitmq_runtime(ground.orders.database_url, ground.orders.broker_url) as runtime,
        serving(runtime, dedup),
    ):
        yield


@pytest_asyncio.fixture(loop_scope="module")
async def events(ground: Ground) -> AsyncIterator[Outlet]:
    """All that is published of listings and trades, in its order."""
    settings = BrokerSettings(url=SecretStr(ground.orders.broker_url))
    async with rabbitmq.connect(settings, NOTIFYING, name="test") as bus, emptying(bus, NOTIFIER_EVENTS) as outlet:
        await eventually(bus.is_connected)
        yield outlet


@asynccontextmanager
async def express(
    ground: Ground, *hold: str, database_url: str = "", **settings: Any
) -> AsyncIterator[ExecutorProcess]:
    """Run a process on the express way, ready, which waits at the points *hold*."""
    told = dataclasses.replace(
        ground.orders,
        database_url=database_url or ground.orders.database_url,
        hold=frozenset(hold),
        ws_url=ground.simulator.ws_url,
        settings={**QUICK, **settings},
        ingest=INGEST,
    )
    async with executor_process(told) as process:
        await process.ready()
        yield process


def of_listing(events: Outlet, listing: Listing) -> list[Listing | Trade]:
    """Return what was published of *listing*, in its order."""
    published = [each for each in events.events if isinstance(each, Listing | Trade)]
    keys = [each.key if isinstance(each, Listing) else each.listing_key for each in published]
    return [each for each, key in zip(published, keys, strict=True) if key == listing.key]


async def holds_for(ground: Ground, events: Outlet, listing: Listing) -> None:
    """Assert that *listing* was announced before its trades, under one id, and that nothing of it is left to do."""

    async def announced() -> bool:
        left = await ground.rows("SELECT FROM unannounced_listings")
        return not left and any(isinstance(each, Listing) for each in of_listing(events, listing))

    await eventually(announced, within_seconds=30)
    await ground.settled()
    published = of_listing(events, listing)
    assert isinstance(published[0], Listing)
    assert {each.id for each in published if isinstance(each, Listing)} == {f"{listing.key}:detected"}
    claims = await ground.rows("SELECT listing_key FROM listing_claims WHERE listing_key = $1", listing.key)
    orders = await ground.rows("SELECT state FROM orders WHERE listing_key = $1 AND side = 'BUY'", listing.key)
    assert len(claims) == len(orders) == 1
    assert len(await ground.placed(listing)) == (orders[0]["state"] == "filled")


async def test_a_listing_is_bought_before_it_is_announced(ground: Ground, dedup_runs: None, events: Outlet) -> None:
    async with express(ground) as process:
        listing = await ground.lists()
        await ground.becomes(listing, "filled")
        await holds_for(ground, events, listing)
        passed = process.passed

    assert [point for point in passed if "RESERVE" in point] == [f"before {COMMIT}", f"after {COMMIT}"]
    assert set(PLACES) <= set(passed)


@pytest.mark.parametrize("point", PLACES)
async def test_killed_at_any_point_it_leaves_one_announced_listing_and_one_order_or_none(
    ground: Ground, dedup_runs: None, events: Outlet, point: str
) -> None:
    async with express(ground, point) as process:
        listing = await ground.lists()
        await process.reaches(point)
        await process.kill()

    async with express(ground):
        order = await ground.becomes(listing, "filled", "failed", "rejected", "expired")
        await holds_for(ground, events, listing)

    assert order["state"] == "filled" or point not in SENT


async def test_switched_off_after_a_kill_the_normal_way_announces_what_was_bought(
    ground: Ground, dedup_runs: None, events: Outlet
) -> None:
    async with express(ground, "before publish raw") as process:
        listing = await ground.lists()
        await process.reaches("after send")
        await process.kill()

    await ground.staffed()
    await ground.becomes(listing, "filled")

    await holds_for(ground, events, listing)


async def test_of_two_processes_one_buys_each_listing_and_the_other_goes_on_alone(
    ground: Ground, dedup_runs: None, events: Outlet
) -> None:
    async with express(ground) as one, express(ground):
        for _ in range(3):
            listing = await ground.lists()
            await ground.becomes(listing, "filled")
            await holds_for(ground, events, listing)
        await one.kill()
        after = await ground.lists()
        await ground.becomes(after, "filled")
        await holds_for(ground, events, after)


@pytest.mark.parametrize("point", [f"before {COMMIT}", f"after {COMMIT}"])
async def test_of_two_one_that_freezes_around_its_commit_and_thaws_buys_nothing_twice(
    ground: Ground, dedup_runs: None, events: Outlet, point: str
) -> None:
    async with express(ground, point) as frozen, express(ground, f"before {COMMIT}") as other:
        listing = await ground.lists()
        await frozen.reaches(point)
        frozen.pause()
        other.go_on()
        await ground.becomes(listing, "filled", "failed", "rejected", "expired")
        frozen.go_on()
        frozen.resume()
        await holds_for(ground, events, listing)


async def test_both_killed_around_a_commit_leave_one_order_at_most_and_announce_it(
    ground: Ground, dedup_runs: None, events: Outlet
) -> None:
    point = f"after {COMMIT}"
    async with express(ground, point) as one, express(ground, point) as other:
        listing = await ground.lists()
        await eventually(lambda: point in one.passed or point in other.passed, within_seconds=20)
        await asyncio.gather(one.kill(), other.kill())

    async with express(ground):
        await ground.becomes(listing, "filled", "failed", "rejected", "expired")
        await holds_for(ground, events, listing)


async def test_of_two_the_one_that_has_the_database_buys_alone_and_the_other_comes_back(
    ground: Ground, dedup_runs: None, events: Outlet
) -> None:
    async with (
        database_proxy(ground.orders.database_url) as proxy,
        express(ground, database_url=proxy.url),
        express(ground) as near,
    ):
        with proxy.away():
            listing = await ground.lists()
            await ground.becomes(listing, "filled")
            await holds_for(ground, events, listing)
        await near.kill()
        after = await ground.lists()
        await ground.becomes(after, "filled")
        await holds_for(ground, events, after)


async def test_what_a_dead_process_bought_is_announced_once_dedup_is_back(ground: Ground, events: Outlet) -> None:
    async with express(ground, "before publish raw") as one:
        listing = await ground.lists()
        await one.reaches("after send")
        await one.kill()

    async with express(ground):
        await ground.becomes(listing, "filled")
        assert of_listing(events, listing) == []
        async with (
            rabbitmq_runtime(ground.orders.database_url, ground.orders.broker_url) as runtime,
            serving(runtime, dedup),
        ):
            await holds_for(ground, events, listing)
