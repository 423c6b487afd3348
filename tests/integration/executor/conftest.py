"""An executor on a database of its own, with an exchange that the test scripts."""

from collections.abc import AsyncIterator, Iterator

import pytest

from shared.postgres.database import Database
from tests.support.fakes.venues import ModelExchange
from tests.support.running.executors import Executor, Time
from tests.support.running.log_lines import naming_their_listings
from tests.support.running.services import open_database
from tests.support.running.simulators import Simulator, simulator_in_this_process


@pytest.fixture(autouse=True)
def lines_name_their_listings() -> Iterator[None]:
    """Let no line of an order or a position go without the listing and the event that told of it."""
    with naming_their_listings():
        yield


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
def executor(database: Database, exchange: ModelExchange, time: Time) -> Executor:
    return Executor(database, exchange, time)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as started:
        yield started
