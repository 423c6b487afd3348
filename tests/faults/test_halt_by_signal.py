"""SIGUSR1 to the executor as it runs in production: a process on RabbitMQ and PostgreSQL."""

import itertools
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.operator import trade_config
from shared.events import utc_now
from shared.process.runtime import Runtime
from shared.wire.topology import to_message
from tests.support.data.builders import a_listing
from tests.support.running.compositions import Composition
from tests.support.running.processes import sniper
from tests.support.running.services import rabbitmq_runtime
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def simulator() -> AsyncIterator[SimulatorProcess]:
    async with running_simulator() as running:
        yield running


@pytest.fixture
def environment(simulator: SimulatorProcess, database_url: str, broker_url: str) -> dict[str, str]:
    return {
        "SNIPER_DATABASE_URL": database_url,
        "SNIPER_BROKER_URL": broker_url,
        "SNIPER_MEXC_REST_URL": simulator.rest_url,
        "SNIPER_MEXC_WS_URL": simulator.ws_url,
    }


@pytest.fixture
async def runtime(database_url: str, broker_url: str) -> AsyncIterator[Runtime]:
    async with rabbitmq_runtime(database_url, broker_url) as runtime:
        yield runtime


async def reason_for(runtime: Runtime, symbol: str) -> str:
    """Announce *symbol* and return why it was refused; empty where it was not."""
    now = utc_now()
    seen = {"listed_at": now, "observed_at": now, "published_at": now, "deduplicated_at": now}
    await runtime.bus.publish(to_message(a_listing(symbol=symbol, base_asset=symbol, **seen)))

    async def decided() -> list[str]:
        async with runtime.database.connection() as connection:
            query = "SELECT coalesce(error_reason, '') FROM orders WHERE symbol = $1"
            return [row[0] for row in await connection.fetch(query, symbol)]

    [reason] = await eventually(decided, within_seconds=20)
    return reason


async def is_latched(runtime: Runtime) -> bool:
    async with runtime.database.connection() as connection:
        return bool(await connection.fetchval("SELECT count(*) FROM halts WHERE cause = 'signal' AND mode IS NULL"))


async def is_not_halted(runtime: Runtime, symbol: str) -> bool:
    return not (await reason_for(runtime, symbol)).startswith("halted")


@pytest.mark.parametrize("composition", Composition)
async def test_an_executor_told_by_signal_buys_nothing_until_an_operator_resumes_although_it_was_killed(
    runtime: Runtime, environment: dict[str, str], tmp_path: Path, composition: Composition
) -> None:
    service = composition.command
    numbers = itertools.count()
    async with sniper("run", service, environment=environment, directory=tmp_path) as first:
        await first.ready()
        first.process.send_signal(signal.SIGUSR1)
        await eventually(lambda: is_latched(runtime), within_seconds=20)
        assert await reason_for(runtime, "AAAUSDT") == "halted: signal: SIGUSR1"
        await first.kill()

    async with sniper("run", service, environment=environment, directory=tmp_path) as second:
        await second.ready()
        assert await reason_for(runtime, "BBBUSDT") == "halted: signal: SIGUSR1"

        await trade_config.resume(runtime.database, changed_by="ann")
        # It may have to read that first.
        await eventually(lambda: is_not_halted(runtime, f"C{next(numbers)}USDT"), within_seconds=20)
