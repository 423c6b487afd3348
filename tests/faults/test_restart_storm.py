"""Processes that end and start again and again while the exchange counts, and bans: rows M29 and M30."""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from executor.settings import ExecutorSettings
from shared.wire.topology import to_message
from tests.faults.ground import LIMITS, Ground, a_ground
from tests.servers.databases import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.running.compositions import CHOSEN, Composition
from tests.support.running.pipelines import publish_all
from tests.support.running.processes import sniper
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

IN_DOUBT: Final = 10
STARTS: Final = 4
PRODUCTION: Final[Mapping[str, Any]] = {
    name: getattr(ExecutorSettings(), name) for name in (*LIMITS, "exchange_timeout_seconds", "absent_reads")
}


@pytest_asyncio.fixture(loop_scope="module")
async def strict_ground(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path: Path
) -> AsyncIterator[Ground]:
    """The exchange enforces its limits."""
    async with a_ground(postgres_server, rabbitmq_server, tmp_path, limits=True) as ground:
        yield ground


async def leave_in_doubt(ground: Ground, count: int) -> None:
    """Leave *count* orders of unknown outcome behind."""
    async with ground.executor(**PRODUCTION) as executor:
        listings = [await ground.lists() for _ in range(count)]
        await ground.simulator.arm("drop_connection", accept=False, count=count)
        # With their rules, on either way: to ask about so many would use up the limits.
        await publish_all(ground.runtime.bus, [to_message(each) for each in listings])
        for each in listings:
            await ground.becomes(each, "unknown")
        await ground.simulator.disarm()
        await executor.kill()


async def test_processes_that_restart_every_few_seconds_are_never_refused_and_soon_ready(
    strict_ground: Ground, tmp_path: Path
) -> None:
    ground = strict_ground
    ground.orders = dataclasses.replace(ground.orders, ingest={})  # Asks as often as in production.
    environment = {
        "SNIPER_DATABASE_URL": ground.orders.database_url,
        "SNIPER_BROKER_URL": ground.orders.broker_url,
        "SNIPER_MEXC_REST_URL": ground.simulator.rest_url,
        "SNIPER_MEXC_WS_URL": ground.simulator.ws_url,
    }
    await leave_in_doubt(ground, IN_DOUBT)

    for _ in range(STARTS):
        async with AsyncExitStack() as stack:
            # On the express way it is in the executor's process.
            watching = [
                await stack.enter_async_context(sniper("run", "ingest", environment=environment, directory=tmp_path))
                for _ in range(CHOSEN is Composition.NORMAL)
            ]
            executor = await stack.enter_async_context(ground.starting(**PRODUCTION))
            asked = sum((await ground.simulator.requests()).values())
            for ingest in watching:
                await ingest.ready()
            await eventually(partial(_asked_since, ground, asked + 20), within_seconds=20)
            await _use_is_stored(ground)
            await executor.kill()
            for ingest in watching:
                await ingest.kill()
    assert await ground.simulator.refusals() == {}

    async with ground.starting(**PRODUCTION) as last:
        await last.ready()
    assert await ground.simulator.refusals() == {}


async def test_six_orders_in_doubt_are_looked_for_without_a_single_refusal(strict_ground: Ground) -> None:
    ground = strict_ground
    async with ground.executor(**PRODUCTION, protection_seconds=5):
        listings = [await ground.lists() for _ in range(6)]
        await ground.simulator.arm("drop_connection", accept=False, count=6)
        # Together, so that on the express way, which has to ask for their rules, one question is for all.
        await asyncio.gather(*map(ground.publish, listings))
        for each in listings:
            await ground.becomes(each, "unknown")
        await ground.simulator.disarm()
        for each in listings:
            await ground.becomes(each, "failed", within_seconds=120)

    assert await ground.simulator.refusals() == {}


async def test_an_executor_that_starts_within_a_ban_asks_nothing_until_it_is_over(strict_ground: Ground) -> None:
    ground, ban_seconds = strict_ground, 8
    async with ground.executor(**PRODUCTION) as executor:
        listing = await ground.lists()
        await ground.simulator.arm("http_status", status=418, retry_after=ban_seconds, count=1)
        banned_at = time.monotonic()
        await ground.publish(listing)
        await eventually(lambda: ground.posted(listing))
        await eventually(partial(_ban_is_stored, ground))
        await executor.kill()
    asked = sum((await ground.simulator.requests()).values())

    async with ground.starting(**PRODUCTION) as successor:
        await eventually(partial(_asked_since, ground, asked + 1), within_seconds=30)
        first_asked_at = time.monotonic()
        await successor.ready()

    assert first_asked_at - banned_at >= ban_seconds


async def _asked_since(ground: Ground, count: int) -> bool:
    return sum((await ground.simulator.requests()).values()) >= count


async def _use_is_stored(ground: Ground) -> None:
    """Return once both services have stored their use of the limits: of what a kill interrupts, nothing is known."""
    [now] = await ground.rows("SELECT now() AS time")
    stored = "SELECT FROM rate_usage WHERE updated_at > $1 HAVING count(*) = 2"
    await eventually(partial(ground.rows, stored, now["time"]))


async def _ban_is_stored(ground: Ground) -> bool:
    rows = await ground.rows("SELECT FROM rate_usage WHERE service = 'executor' AND banned AND quiet_until > now()")
    return len(rows) == 1
