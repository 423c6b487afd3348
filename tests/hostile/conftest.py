"""A ground for a module, tidied after each test; a ground of its own for a test that leaves something behind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.hostile.ground import Ground, a_ground
from tests.hostile.tidying import SharedGround
from tests.servers.databases import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_ground(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ground]:
    async with a_ground(postgres_server, rabbitmq_server, tmp_path_factory.mktemp("hostile")) as ground:
        yield ground


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_ground(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SharedGround]:
    shared = SharedGround(lambda: a_ground(postgres_server, rabbitmq_server, tmp_path_factory.mktemp("hostile")))
    yield shared
    await shared.removed()


@pytest_asyncio.fixture(loop_scope="module")
async def ground(shared_ground: SharedGround) -> AsyncIterator[Ground]:
    """A ground that tests share one after the other: nothing of one lie is left to the next."""
    async with shared_ground.lent() as ground:
        yield ground


@pytest_asyncio.fixture(loop_scope="module")
async def fresh_ground(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path: Path
) -> AsyncIterator[Ground]:
    async with a_ground(postgres_server, rabbitmq_server, tmp_path) as ground:
        yield ground


@pytest_asyncio.fixture(loop_scope="module")
async def strict_ground(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path: Path
) -> AsyncIterator[Ground]:
    """The exchange enforces its rate limits."""
    async with a_ground(postgres_server, rabbitmq_server, tmp_path, limits=True) as ground:
        yield ground
