from collections.abc import AsyncIterator

import pytest

from shared.postgres.database import Database
from tests.support.running.services import open_database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened
