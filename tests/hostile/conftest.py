"""A ground for a module, tidied after each test; a ground of its own for a test that leaves something behind."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.hostile.ground import Ground, a_ground
from tests.hostile.tidying import SharedGround
from tests.servers.databases import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.running.compositions import CHOSEN, Composition


@pytest.fixture(scope="module")
def composition() -> Composition:
    """The composition that runs on every ground of a module."""
    return CHOSEN


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_ground(
    postgres_server: PostgresServer,
    rabbitmq_server: RabbitMQServer,
    tmp_path_factory: pytest.TempPathFactory,
    composition: Composition,
) -> AsyncIterator[Ground]:
    directory = tmp_path_factory.mktemp("hostile")
    async with a_ground(postgres_server, rabbitmq_server, directory, composition=composition) as ground:
        yield ground


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_ground(
    postgres_server: PostgresServer,
    rabbitmq_server: RabbitMQServer,
    tmp_path_factory: pytest.TempPathFactory,
    composition: Composition,
) -> AsyncIterator[SharedGround]:
    def new() -> AbstractAsyncContextManager[Ground]:
        directory = tmp_path_factory.mktemp("hostile")
        return a_ground(postgres_server, rabbitmq_server, directory, composition=composition)

    shared = SharedGround(new)
    yield shared
    await shared.removed()


@pytest_asyncio.fixture(loop_scope="module")
async def ground(shared_ground: SharedGround) -> AsyncIterator[Ground]:
    """A ground that tests share one after the other: nothing of one lie is left to the next."""
    async with shared_ground.lent() as ground:
        yield ground


@pytest_asyncio.fixture(loop_scope="module")
async def fresh_ground(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path: Path, composition: Composition
) -> AsyncIterator[Ground]:
    async with a_ground(postgres_server, rabbitmq_server, tmp_path, composition=composition) as ground:
        yield ground


@pytest_asyncio.fixture(loop_scope="module")
async def strict_ground(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path: Path, composition: Composition
) -> AsyncIterator[Ground]:
    """The exchange enforces its rate limits."""
    async with a_ground(postgres_server, rabbitmq_server, tmp_path, composition=composition, limits=True) as ground:
        yield ground
