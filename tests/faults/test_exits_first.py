"""Exits have a way of their own: row M12."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio

from executor.settings import ExecutorSettings
from shared.events import Listing
from tests.faults.ground import LIMITS, Ground, a_ground
from tests.servers.databases import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.running.compositions import normal_way_only
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

POSITION = "SELECT state FROM positions WHERE listing_key = $1"
HANGING = 6
FALLING = 3
"""How many positions are sold: one of them may meet a moment in which the machine does something else."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def strict_ground(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ground]:
    """The exchange enforces its limits."""
    directory = tmp_path_factory.mktemp("executor")
    async with a_ground(postgres_server, rabbitmq_server, directory, limits=True, price_protection=0) as ground:
        yield ground


async def _is_looked_at(ground: Ground, listing: Listing) -> bool:
    """Return whether a stop has its reference: what the first look shows is no loss."""
    statement = "SELECT stop_reference FROM positions WHERE listing_key = $1 AND mode = 'live'"
    return (await ground.rows(statement, listing.key))[0]["stop_reference"] is not None


@normal_way_only("what a ticker shows has no rules, and those of so many coins are beyond the limits")
async def test_six_purchases_that_hang_at_the_exchange_do_not_delay_a_stop_loss(strict_ground: Ground) -> None:
    ground = strict_ground
    kept = ("exchange_timeout_seconds", *LIMITS)
    production = {name: getattr(ExecutorSettings(), name) for name in kept}
    async with ground.executor(stop_loss_pct=20, exit_check_seconds=0.5, **production):
        held = [await ground.lists() for _ in range(FALLING)]
        for each in held:
            await ground.publish(each)
            await ground.becomes(each, "filled")
            await eventually(partial(_is, ground, each, "open"))
            await eventually(partial(_is_looked_at, ground, each))
        others = [await ground.lists() for _ in range(HANGING)]
        await ground.simulator.arm("hold", endpoint="POST /api/v3/order", count=3)
        for each in others:
            await ground.publish(each)
        await eventually(lambda: _written(ground, others, 3))

        fell_ns = {each.symbol: await _falls(ground, each) for each in held}
        sold_ns = {each.symbol: await eventually(partial(_sold_at, ground, each)) for each in held}
        still_hanging = len([each for each in others if await ground.posted(each)])
        await ground.simulator.disarm()
        await ground.settled()

    assert statistics.median(sold_ns[symbol] - fell_ns[symbol] for symbol in fell_ns) < 2e9
    assert still_hanging == 3
    assert await ground.simulator.refusals() == {}


async def test_a_ban_that_a_question_for_a_price_meets_quiets_everything_for_its_whole_time(
    strict_ground: Ground,
) -> None:
    """It names no time, which is no reason to ask again soon."""
    ground = strict_ground
    async with ground.executor(stop_loss_pct=20, exit_check_seconds=0.2):
        for held in [await ground.lists() for _ in range(4)]:  # From so many on, one question is for all prices.
            await ground.publish(held)
            await ground.becomes(held, "filled")
        await ground.simulator.arm("http_status", endpoint="GET /api/v3/ticker/bookTicker", status=418, count=1)
        await eventually(lambda: _is_taken(ground))
        banned = await ground.simulator.requests()
        listing = await ground.lists()
        await ground.publish(listing)
        order = await ground.becomes(listing, "rejected")
        until = asyncio.get_running_loop().time() + 3
        await eventually(lambda: asyncio.get_running_loop().time() > until)

        assert order["error_reason"].startswith("too_many_requests")
        assert await ground.simulator.requests() == banned


async def _is_taken(ground: Ground) -> bool:
    return await ground.simulator.armed() == []


async def _is(ground: Ground, listing: Listing, state: str) -> bool:
    return [each["state"] for each in await ground.rows(POSITION, listing.key)] == [state]


async def _written(ground: Ground, listings: list[Listing], count: int) -> bool:
    return sum([len(await ground.posted(each)) for each in listings]) == count


async def _falls(ground: Ground, listing: Listing) -> int:
    """Let what is held be worth less than its stop; return when that began, in nanoseconds."""
    began_ns = time.time_ns()
    await ground.simulator.change_coin(listing.symbol, bids=[["0.7", "100000"]])
    return began_ns


async def _sold_at(ground: Ground, listing: Listing) -> int:
    """Return when the exchange received the first sale of *listing*, in nanoseconds; 0 before that."""
    received_ns = [int(each["received_at_ns"]) for each in await ground.posted(listing) if each["side"] == "SELL"]
    return min(received_ns, default=0)
