from collections.abc import AsyncIterator, Iterator

import pytest

from tests.servers.databases import PostgresServer
from tests.support.running.serving_api import ServedApi, serving_api


@pytest.fixture(autouse=True)
def _looked_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have credentials looked up again within a moment; the figure itself is of no interest here."""
    monkeypatch.setattr("api.access.authenticator.FRESH_SECONDS", 0.1)


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[ServedApi]:
    async with serving_api(database_url) as served:
        yield served


@pytest.fixture(scope="module")
def shared_url(postgres_server: PostgresServer) -> Iterator[str]:
    """One database for all tests of a module that store nothing but tokens of their own."""
    url = postgres_server.create_migrated_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
async def shared_api(shared_url: str) -> AsyncIterator[ServedApi]:
    async with serving_api(shared_url) as served:
        yield served
