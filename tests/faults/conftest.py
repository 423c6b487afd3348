"""The ground that all tests of one module share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.ground import Ground, a_ground
from tests.servers.databases import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.deployment.newer_build import make_newer_build
from tests.support.running.compositions import CHOSEN, Composition


@pytest.fixture(scope="module")
def composition() -> Composition:
    """The composition that runs on the ground of a module."""
    return CHOSEN


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_ground(
    postgres_server: PostgresServer,
    rabbitmq_server: RabbitMQServer,
    tmp_path_factory: pytest.TempPathFactory,
    composition: Composition,
) -> AsyncIterator[Ground]:
    directory = tmp_path_factory.mktemp("executor")
    async with a_ground(postgres_server, rabbitmq_server, directory, composition=composition) as ground:
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
