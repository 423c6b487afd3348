"""The recorded usage of the exchange's rate limits outlives the process."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from ingest.budget.budget_metrics import BudgetMetrics
from ingest.budget.rate_limit import Limits
from ingest.budget.request_budget import RequestBudget
from shared.mexc.errors import RateLimited
from shared.postgres.database import Database
from shared.postgres.stored_rate_usage import NO_USAGE, Usage, persisted_usage
from tests.support.running.services import open_database
from tests.waiting import eventually


class FakeLimiter:
    def __init__(self) -> None:
        self.refused = asyncio.Event()
        self.used = Usage({"a": 7})
        self.before: list[Usage | None] = []

    def usage(self) -> Usage:
        return self.used

    def presumed(self) -> Usage:
        return Usage({"a": 99})

    def resume(self, before: Usage | None) -> None:
        self.before.append(before)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


async def known(database: Database, service: str = "test") -> Usage | None:
    """Return what the next start would go on from."""
    limiter = FakeLimiter()
    async with persisted_usage(database, service, limiter):
        pass
    return limiter.before[0]


async def used(database: Database) -> object:
    async with database.connection() as connection:
        return await connection.fetchval("SELECT used FROM rate_usage WHERE service = 'test'")


async def test_the_first_start_of_all_has_used_nothing(database: Database) -> None:
    assert await known(database) is NO_USAGE


async def test_what_was_used_at_the_end_is_known_at_the_next_start(database: Database) -> None:
    async with persisted_usage(database, "test", FakeLimiter()):
        pass

    before = await known(database)

    assert before is not None
    assert before.used == {"a": 7}
    assert 0 <= before.age_seconds < 10


async def test_a_process_killed_before_its_first_word_is_presumed_to_have_used_what_it_could(
    database: Database,
) -> None:
    async with persisted_usage(database, "test", FakeLimiter()):
        assert await used(database) == {"a": 99}
        await eventually(lambda: _is_used(database, {"a": 7}))


async def _is_used(database: Database, expected: object) -> bool:
    return await used(database) == expected


async def test_a_refusal_is_stored_at_once_and_a_later_start_does_not_shorten_it(database: Database) -> None:
    first, second = FakeLimiter(), FakeLimiter()
    async with persisted_usage(database, "test", first):
        first.used = Usage({}, quiet_seconds=600, banned=True)
        first.refused.set()

        async def is_stored() -> bool:
            async with database.connection() as connection:
                return bool(await connection.fetchval("SELECT banned FROM rate_usage WHERE service = 'test'"))

        await eventually(is_stored)
    async with persisted_usage(database, "test", second):
        pass

    for before in (second.before[0], await known(database)):
        assert before is not None
        assert before.banned
        assert 500 < before.quiet_seconds <= 600


async def test_services_know_nothing_of_each_other(database: Database) -> None:
    async with persisted_usage(database, "test", FakeLimiter()):
        pass

    assert await known(database, "other") is NO_USAGE


@pytest.mark.parametrize("row", ['{"a": "seven", "b": -1, "c": 3}', "[3]", "null", "3"])
async def test_a_row_of_another_version_does_not_keep_a_service_from_starting(database: Database, row: str) -> None:
    async with database.connection() as connection:
        await connection.execute(f"INSERT INTO rate_usage VALUES ('test', now(), false, '{row}')")

    before = await known(database)

    assert before is not None
    assert set(before.used) <= {"c"}


async def test_a_table_that_is_not_there_leaves_it_unknown_and_holds_up_nobody(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("DROP TABLE rate_usage")
    limiter = FakeLimiter()

    async with asyncio.timeout(20), persisted_usage(database, "test", limiter):
        limiter.refused.set()
        await eventually(lambda: not limiter.refused.is_set())

    assert limiter.before == [None]


async def test_ingest_goes_on_within_a_ban_and_asks_nothing_until_it_is_over(database: Database) -> None:
    def a_budget() -> RequestBudget:
        return RequestBudget(Limits(), BudgetMetrics(CollectorRegistry()))

    banned, successor = a_budget(), a_budget()
    async with persisted_usage(database, "ingest", banned):
        with pytest.raises(RateLimited):
            async with banned.spend(25):
                raise RateLimited(600, banned=True)
    async with persisted_usage(database, "ingest", successor):
        assert "banned until" in successor.trouble()
        asking = asyncio.create_task(_ask(successor))
        await asyncio.sleep(0)
        assert not asking.done()
        assert successor.usage().used["address"] >= 25
        asking.cancel()


async def _ask(budget: RequestBudget) -> None:
    async with budget.spend(1):
        pass
