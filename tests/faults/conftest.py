"""The ground that all tests of one module share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.ground import Ground, a_ground
from tests.servers.databases import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.deployment.newer_build import make_newer_build


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_ground(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ground]:
    async with a_ground(postgres_server, rabbitmq_server, tmp_path_factory.mktemp("executor")) as ground:
        yield ground


@pytest_asyncio.fixture(loop_scope="module")
async def ground(shared_ground: Ground) -> AsyncIterator[Ground]:
    """The module's ground, with nothing wrong at the exchange at the beginning."""
    await shared_ground.simulator.disarm()
    yield shared_ground
    await shared_ground.simulator.disarm()


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a build runs whose events have a field more than ours."""
    return make_newer_build(tmp_path_factory.mktemp("newer"))
