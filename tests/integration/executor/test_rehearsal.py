"""Statements that orders wait for are parsed and planned before the first of them, and nothing is written by that."""

import asyncio

import pytest

from cli.composing.express.claim import CLAIM_AND_RESERVE
from executor.journal.order_row import Statement
from executor.journal.rehearsal import STATEMENTS, keep_rehearsed, rehearse, rehearse_twice
from shared.postgres.database import Database
from tests.support.running.services import open_database
from tests.waiting import eventually

EVERY = (*STATEMENTS, CLAIM_AND_RESERVE)
PLANS = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1"
WRITTEN = """
SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM listing_claims) + (SELECT count(*) FROM positions)
    + (SELECT count(*) FROM unannounced_listings) + (SELECT count(*) FROM trade_outbox)
"""
EXPOSURES = "SELECT exposure::text FROM exposure ORDER BY mode"
LOCK_EVERYTHING = "SELECT FROM trade_config, exposure FOR UPDATE"
CUSTOM_PLANS = 5
"""PostgreSQL's documentation, PREPARE: the first five executions are planned for their own values."""


@pytest.mark.parametrize("statement", EVERY, ids=["READ", "RESERVE", "FIRE", "SELL", "CLAIM_AND_RESERVE"])
async def test_a_rehearsed_statement_has_its_plan(statement: Statement, database: Database) -> None:
    async with database.connection() as connection:
        for _ in range(CUSTOM_PLANS + 1):
            await rehearse(connection, [statement])
        [plans] = await connection.fetch(PLANS, statement.sql)

    assert (plans["custom_plans"], plans["generic_plans"]) == (CUSTOM_PLANS, 1)


async def test_a_rehearsal_writes_nothing(database: Database) -> None:
    async with database.connection() as connection:
        before = await connection.fetch(EXPOSURES)
        await rehearse(connection, EVERY)

        assert await connection.fetchval(WRITTEN) == 0
        assert await connection.fetch(EXPOSURES) == before


async def test_a_rehearsal_waits_for_no_decision_and_no_decision_for_it(database: Database) -> None:
    """With every row locked that a purchase locks, too."""
    async with database.transaction() as deciding:
        await deciding.fetch(LOCK_EVERYTHING)
        async with database.connection() as connection:
            await rehearse(connection, EVERY)


async def test_the_two_connections_that_are_lent_next_are_rehearsed(database: Database) -> None:
    rehearsing = asyncio.create_task(keep_rehearsed(database, EVERY))

    async def are_prepared() -> bool:
        async with database.connection() as first, database.connection() as second:
            found = [await one.fetch(PLANS, each.sql) for one in (first, second) for each in EVERY]
            return all(found)

    try:
        await eventually(are_prepared, within_seconds=20)
    finally:
        rehearsing.cancel()


async def test_a_rehearsal_that_holds_a_connection_waits_for_no_other(database_url: str) -> None:
    """With two connections of which another holds one for good: a sale that waits for the other would wait for ever."""
    async with open_database(database_url, pool_size=2) as small, small.connection():
        async with asyncio.timeout(10):
            await rehearse_twice(small, EVERY)
            async with small.connection() as connection:
                assert all([await connection.fetch(PLANS, each.sql) for each in EVERY])
