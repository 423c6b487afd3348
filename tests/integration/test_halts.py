"""Halts on a real database: three ways in, one way out."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from api.operator import trade_config
from executor.halts.halt_causes import HaltCause, latch
from executor.halts.halt_watch import UNREADABLE, HaltWatch, watching_halts
from executor.settings import LimitSettings
from shared.errors import TransientError
from shared.events import Mode
from shared.postgres.database import Database
from tests.integration.halting_child import TELLING
from tests.servers.postgres import PrivatePostgres
from tests.support.running.services import open_database
from tests.waiting import eventually

SETTINGS = LimitSettings()
WAITING = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')
"""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as database:
        yield database


@pytest.fixture
async def watch(database: Database, tmp_path: Path) -> HaltWatch:
    """A watch that looks on demand."""
    return HaltWatch(database, tmp_path / "halt")


async def look(watch: HaltWatch, database: Database) -> tuple[str, str, str]:
    """Let *watch* look once; return why it would not buy live, not buy on paper, and not sell."""
    watch.look_for_file()
    async with database.connection() as connection:
        await watch.look(connection)
    return watch.buys_halted(Mode.LIVE), watch.buys_halted(Mode.DRY_RUN), watch.exits_halted()


async def halt(database: Database, cause: HaltCause, mode: Mode | None = None, reason: str = "why") -> None:
    async with database.connection() as connection:
        await latch(connection, cause, mode, reason)


async def halts(database: Database) -> list[tuple[str, str | None]]:
    async with database.connection() as connection:
        return [tuple(row) for row in await connection.fetch("SELECT cause, mode FROM halts ORDER BY id")]


async def test_nothing_is_halted_at_first(database: Database, watch: HaltWatch) -> None:
    assert await look(watch, database) == ("", "", "")


async def test_an_operators_halt_stops_purchases_at_the_next_look(database: Database, watch: HaltWatch) -> None:
    await look(watch, database)
    await trade_config.halt(database, "drill", changed_by="ann")
    assert await look(watch, database) == ("operator: drill", "operator: drill", "")

    await trade_config.resume(database, changed_by="ann")
    assert await look(watch, database) == ("", "", "")


async def test_an_operator_may_stop_sales_too(database: Database, watch: HaltWatch) -> None:
    await trade_config.halt(database, "drill", changed_by="ann", exits=True)
    assert await look(watch, database) == ("operator: drill", "operator: drill", "operator: drill")

    await trade_config.resume(database, changed_by="ann")
    assert await look(watch, database) == ("", "", "")


async def test_a_latch_of_one_mode_does_not_halt_the_other(database: Database, watch: HaltWatch) -> None:
    await halt(database, HaltCause.FAILURES, Mode.LIVE)
    assert await look(watch, database) == ("failures: why", "", "")

    await halt(database, HaltCause.FAILURES, Mode.DRY_RUN, "another")
    assert await look(watch, database) == ("failures: why", "failures: another", "")


async def test_a_latch_in_force_is_not_latched_again_and_one_that_was_lifted_is(
    database: Database, watch: HaltWatch
) -> None:
    for _ in range(3):
        await halt(database, HaltCause.MASS_LISTING)
    assert await halts(database) == [("mass_listing", None)]

    await trade_config.resume(database, changed_by="ann")
    assert await look(watch, database) == ("", "", "")
    await halt(database, HaltCause.MASS_LISTING)
    assert (await look(watch, database))[0] == "mass_listing: why"
    assert await halts(database) == [("mass_listing", None)] * 2


async def test_only_an_operator_lifts_a_halt_whatever_the_clock_of_the_server_says(
    database: Database, watch: HaltWatch
) -> None:
    """A halt and its end are distinguished by time, and a clock may step back in between, or forward and back."""
    async with database.connection() as connection:
        await connection.execute("UPDATE trade_config SET resumed_at = now() + interval '1 hour'")
    await halt(database, HaltCause.CREDENTIALS, Mode.LIVE)
    assert (await look(watch, database))[0] == "credentials: why"

    await trade_config.resume(database, changed_by="ann")
    assert await look(watch, database) == ("", "", "")


async def test_a_latch_that_is_committed_after_a_resumption_outlives_it(database: Database, watch: HaltWatch) -> None:
    async with database.transaction() as resuming:
        await resuming.execute("SELECT FROM trade_config FOR UPDATE")
        latching = asyncio.create_task(halt(database, HaltCause.HOLDINGS, Mode.LIVE))
        await eventually(lambda: is_waiting(database))
        await resuming.execute("UPDATE trade_config SET resumed_at = clock_timestamp()")
    await latching

    assert (await look(watch, database))[0] == "holdings: why"


async def test_a_resumption_waits_for_a_latch_that_is_being_committed(database: Database, watch: HaltWatch) -> None:
    async with database.transaction() as latching:
        await latch(latching, HaltCause.HOLDINGS, Mode.LIVE, "why")
        resuming = asyncio.create_task(trade_config.resume(database, changed_by="ann"))
        await eventually(lambda: is_waiting(database))
    await resuming

    assert await look(watch, database) == ("", "", "")


async def is_waiting(database: Database) -> bool:
    async with database.connection() as connection:
        return bool(await connection.fetchval(WAITING))


async def test_without_a_configuration_nothing_is_traded_and_a_latch_still_holds(
    database: Database, watch: HaltWatch
) -> None:
    async with database.connection() as connection:
        await connection.execute("DELETE FROM trade_config")
    await halt(database, HaltCause.HOLDINGS, Mode.LIVE)

    missing = "config_missing: trade_config has no row"
    assert await look(watch, database) == (missing, missing, missing)
    assert await halts(database) == [("holdings", "live")]


async def test_a_file_halts_over_resumptions_until_it_is_gone(
    database: Database, watch: HaltWatch, tmp_path: Path
) -> None:
    file = tmp_path / "halt"
    file.touch()
    assert (await look(watch, database))[1] == f"file: {file} exists"

    await trade_config.resume(database, changed_by="ann")
    for _ in range(2):
        assert (await look(watch, database))[1] == f"file: {file} exists"
    assert await halts(database) == [("file", None)] * 2

    file.unlink()
    assert (await look(watch, database))[1] == f"file: {file} exists"
    await trade_config.resume(database, changed_by="ann")
    assert await look(watch, database) == ("", "", "")


async def test_the_watch_finds_by_itself_what_others_halt_for(database: Database, tmp_path: Path) -> None:
    async with watching_halts(database, SETTINGS, tmp_path) as watch:
        assert watch.buys_halted(Mode.LIVE) == ""
        await halt(database, HaltCause.FAILURES, Mode.LIVE)
        await eventually(lambda: watch.buys_halted(Mode.LIVE) == "failures: why")
        await trade_config.resume(database, changed_by="ann")
        await eventually(lambda: watch.buys_halted(Mode.LIVE) == "")


async def test_a_file_of_ones_own_choosing_is_watched(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "stop"
    async with watching_halts(database, LimitSettings(halt_file=file), tmp_path) as watch:
        file.touch()
        await eventually(lambda: watch.buys_halted(Mode.DRY_RUN) == f"file: {file} exists")
        await eventually(lambda: halts(database))


async def test_a_signal_halts_at_once_and_a_restart_does_not_lift_it(database: Database, tmp_path: Path) -> None:
    async with watching_halts(database, SETTINGS, tmp_path) as watch:
        os.kill(os.getpid(), signal.SIGUSR1)
        await eventually(lambda: watch.buys_halted(Mode.LIVE) == "signal: SIGUSR1")
        await eventually(lambda: halts(database))

    async with watching_halts(database, SETTINGS, tmp_path) as watch:
        assert watch.buys_halted(Mode.LIVE) == "signal: SIGUSR1"
        assert watch.exits_halted() == ""


class Child:
    """A process of its own that watches."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def tells(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            async for line in self.process.stdout:
                if line.startswith(TELLING.encode()):
                    return line.decode().removeprefix(TELLING).strip()
        return "ended"


@asynccontextmanager
async def child(url: str, data_dir: Path) -> AsyncIterator[Child]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.halting_child", url, str(data_dir)), stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Child(process)
    finally:
        process.kill()
        await process.wait()


async def test_a_process_that_is_told_by_signal_stays_halted_after_it_was_killed(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    async with child(database_url, tmp_path) as first:
        assert await first.tells() == "trading"
        first.process.send_signal(signal.SIGUSR1)
        assert await first.tells() == "signal: SIGUSR1"
        await eventually(lambda: halts(database))

    async with child(database_url, tmp_path) as second:
        assert await second.tells() == "signal: SIGUSR1"
        await trade_config.resume(database, changed_by="ann")
        assert await second.tells() == "trading"


@pytest.fixture
def server(private_postgres: Callable[[], PrivatePostgres]) -> PrivatePostgres:
    return private_postgres()


async def test_a_frozen_database_stops_all_trading_until_it_thaws(server: PrivatePostgres, tmp_path: Path) -> None:
    async with (
        open_database(server.create_migrated_database()) as database,
        watching_halts(database, SETTINGS, tmp_path) as watch,
    ):
        server.freeze()
        await eventually(lambda: watch.buys_halted(Mode.LIVE) == UNREADABLE)
        assert watch.exits_halted() == UNREADABLE

        server.thaw()
        await eventually(lambda: watch.buys_halted(Mode.LIVE) == "")


async def test_what_is_raised_while_the_database_is_away_halts_at_once_and_is_latched_when_it_is_back(
    server: PrivatePostgres, tmp_path: Path
) -> None:
    async with (
        open_database(server.create_migrated_database()) as database,
        watching_halts(database, SETTINGS, tmp_path) as watch,
    ):
        await asyncio.to_thread(server.stop)
        watch.halt_by_signal()
        (tmp_path / "halt").touch()
        assert watch.buys_halted(Mode.LIVE) == "signal: SIGUSR1"
        with pytest.raises(TransientError):
            await halts(database)

        await asyncio.to_thread(server.start)
        await eventually(lambda: is_latched(database, "signal", "file"))
        assert watch.buys_halted(Mode.LIVE).startswith(("signal: ", "file: "))


async def is_latched(database: Database, *causes: str) -> bool:
    return {cause for cause, _ in await halts(database)} == set(causes)


async def test_a_watch_without_a_database_starts_and_lets_nothing_be_traded(
    server: PrivatePostgres, tmp_path: Path
) -> None:
    async with open_database(server.create_migrated_database()) as database:
        await asyncio.to_thread(server.stop)
        async with watching_halts(database, SETTINGS, tmp_path) as watch:
            assert watch.buys_halted(Mode.LIVE) == UNREADABLE
            assert watch.exits_halted() == UNREADABLE
