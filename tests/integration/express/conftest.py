"""The express way to an executor, on a database of its own."""

from collections.abc import AsyncIterator

import pytest

from shared.postgres.database import Database
from tests.support.fakes.venues import ModelExchange
from tests.support.running.executors import Executor, Time
from tests.support.running.express_ways import Express, lent
from tests.support.running.services import open_database


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


@pytest.fixture
def exchange(time: Time) -> ModelExchange:
    return ModelExchange(time)


@pytest.fixture
async def express(database: Database, exchange: ModelExchange, time: Time) -> AsyncIterator[Express]:
    async with lent(Executor(database, exchange, time), time) as started:
        yield started
