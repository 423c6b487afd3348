"""Poolers between us and PostgreSQL: those that cannot serve are named, the others do."""

import asyncio
import re
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.errors import SettingsError, TransientError
from shared.settings import DatabaseSettings
from tests.support.fakes.poolers import pooling
from tests.support.running.processes import sniper
from tests.support.running.services import open_database

REFUSAL = r"^SNIPER_DATABASE_URL: leads to a pooler that hands out sessions by the transaction .* pool_mode = session$"


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("ignores_parameters", [True, False])
async def test_a_pooler_in_transaction_mode_is_recognised(
    database_url: str, size: int, *, ignores_parameters: bool
) -> None:
    async with pooling(database_url, by_transaction=True, ignores_parameters=ignores_parameters, size=size) as pooler:
        with pytest.raises(SettingsError, match=REFUSAL):
            async with open_database(pooler.url):
                pass


@pytest.mark.parametrize("arguments", [("run", "persister"), ("run", "executor"), ("migrate",), ("status",)])
async def test_no_process_goes_on_behind_a_pooler_in_transaction_mode(
    database_url: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    async with pooling(database_url, by_transaction=True) as pooler:
        environment = {"SNIPER_DATABASE_URL": pooler.url}
        async with sniper(*arguments, environment=environment, directory=tmp_path) as running, asyncio.timeout(20):
            code = await running.process.wait()

    said = running.log.read_text()
    assert (code, said.count("\n")) == (2, 1)
    assert re.match(REFUSAL, said)


async def test_a_pooler_with_too_few_sessions_is_named_and_waited_for(database_url: str) -> None:
    async with pooling(database_url, by_transaction=False, size=1) as pooler:
        with pytest.raises(TransientError, match="the pooler lends no second session; raise its pool size"):
            async with open_database(pooler.url, connect_timeout_seconds=0.5, statement_timeout_seconds=0.5):
                pass


@pytest.mark.parametrize("ignores_parameters", [True, False])
async def test_a_pooler_in_session_mode_serves_with_our_timeouts_in_force(
    database_url: str, *, ignores_parameters: bool
) -> None:
    timeouts = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"
    async with (
        pooling(database_url, by_transaction=False, ignores_parameters=ignores_parameters, size=20) as pooler,
        open_database(pooler.url, statement_timeout_seconds=3) as opened,
    ):
        async with opened.connection() as connection:
            assert tuple(await connection.fetchrow(timeouts) or ()) == ("3s", "1s")
        async with opened.engine.connect() as reading:
            assert tuple((await reading.execute(text(timeouts))).one()) == ("3s", "1s")


async def test_a_server_itself_is_taken_for_no_pooler_while_others_come_and_go(database_url: str) -> None:
    async def come_and_go() -> None:
        async with open_database(database_url, pool_size=DatabaseSettings.model_fields["pool_size"].default) as opened:
            assert await opened.answers()

    await asyncio.gather(*(come_and_go() for _ in range(5)))
