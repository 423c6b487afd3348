"""Our own PostgreSQL: one server a data directory, started whole, supervised, and no other process touched."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from shared.errors import SettingsError, SniperError
from shared.postgres import embedded
from shared.postgres.embedded.postmaster import PID_FILE, find_postmaster
from shared.postgres.embedded.tools import Tools
from shared.postgres.url import driver_url
from tests.servers.scratch import scratch_directory
from tests.waiting import eventually

FOREIGN_PID_FILE = "{pid}\n{directory}\n1700000000\n5432\n{directory}\n\n  123456  0\nready\n"
IN_USE = """
import asyncio, sys
from pathlib import Path
from shared.postgres import embedded as embedded_postgres

async def main():
    async with embedded_postgres.running(Path(sys.argv[1])) as url:
        print(url.query["host"], flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


AS_A_USER_WITHOUT_A_NAME = """
import concurrent.futures.thread, os
from shared.postgres import embedded as embedded_postgres
os.setuid(54_321)
"""


ON_A_DISK_TOO_SMALL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Not below pytest's own folder, whose rights every other run of pytest takes away from the server's user again."""
    directory = scratch_directory("sniper-embedded-", durable=False)
    yield directory
    shutil.rmtree(directory)


@contextmanager
def a_process_of_another_program() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def last_words(before: str, data_dir: Path) -> str:
    """Return the last line of a process that could not start the server."""
    command = [sys.executable, "-c", f"{before}{IN_USE}", str(data_dir)]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    return ended.stderr.strip().splitlines()[-1]


def use_and_be_killed(data_dir: Path) -> None:
    command = [sys.executable, "-c", IN_USE, str(data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as user:
        assert user.stdout is not None
        user.stdout.readline()
        user.kill()


async def value_from(data_dir: Path, sql: str) -> object:
    async with embedded.running(data_dir) as url:
        connection = await asyncpg.connect(driver_url(url))
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()


def postgres(data_dir: Path) -> Path:
    return (data_dir / "postgres").resolve()


async def test_what_was_stored_is_there_at_the_next_start_and_the_last_user_stops_the_server(data_dir: Path) -> None:
    await value_from(data_dir, "CREATE TABLE kept AS SELECT 7 AS number")

    assert await value_from(data_dir, "SELECT number FROM kept") == 7
    assert find_postmaster(postgres(data_dir)) is None


async def test_the_encoding_is_utf_8_and_letters_of_any_script_are_letters(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "xx_YY.UTF-8")
    monkeypatch.setenv("LANG", "xx_YY.UTF-8")

    sql = "SELECT current_setting('server_encoding') || ' ' || ('币安人生' ~ '^\\w+$')::text"

    assert await value_from(data_dir, sql) == "UTF8 true"


async def test_a_pid_file_that_names_a_foreign_process_keeps_nothing_from_starting_and_that_process_lives_on(
    data_dir: Path,
) -> None:
    await value_from(data_dir, "SELECT 1")
    with a_process_of_another_program() as foreign:
        file = postgres(data_dir) / PID_FILE
        file.write_text(FOREIGN_PID_FILE.format(pid=foreign.pid, directory=postgres(data_dir)))

        assert await value_from(data_dir, "SELECT 2") == 2
        assert foreign.poll() is None


async def test_a_pid_file_that_names_this_very_process_is_stale(data_dir: Path) -> None:
    await value_from(data_dir, "SELECT 1")
    file = postgres(data_dir) / PID_FILE
    file.write_text(FOREIGN_PID_FILE.format(pid=os.getpid(), directory=postgres(data_dir)))

    assert await value_from(data_dir, "SELECT 3") == 3


async def test_a_pid_file_that_says_nothing_is_stale(data_dir: Path) -> None:
    await value_from(data_dir, "SELECT 1")

    for content in ("", "\n", "abc\n", "-1\n", "0\n", "99999999999999999999\n", "1\n", "\x00\xff"):
        (postgres(data_dir) / PID_FILE).write_text(content)

        assert await value_from(data_dir, "SELECT 4") == 4, content


@pytest.mark.parametrize("content", ["[1, 2", "[%d]", "null", ""])
async def test_a_list_of_users_that_an_older_build_left_behind_is_not_read(data_dir: Path, content: str) -> None:
    await value_from(data_dir, "SELECT 1")
    with a_process_of_another_program() as foreign:
        listed = content.replace("%d", str(foreign.pid))
        (postgres(data_dir) / ".handle_pids.json").write_text(listed)

        await value_from(data_dir, "SELECT 1")

        assert foreign.poll() is None
    assert find_postmaster(postgres(data_dir)) is None


async def test_a_first_start_that_was_killed_during_initdb_is_forgotten_at_the_next(data_dir: Path) -> None:
    unfinished = data_dir / ".postgres-unfinished-abc"
    (unfinished / "global").mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")

    assert await value_from(data_dir, "SELECT 5") == 5
    assert not unfinished.exists()


async def test_a_data_directory_that_is_not_whole_is_named_in_one_sentence_and_left_alone(data_dir: Path) -> None:
    directory = postgres(data_dir)
    directory.mkdir()
    (directory / "PG_VERSION").write_text("18\n")

    with pytest.raises(SniperError, match="is no complete PostgreSQL data directory") as raised:
        await value_from(data_dir, "SELECT 1")

    assert str(directory) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert (directory / "PG_VERSION").exists()


def test_many_starts_at_once_in_a_fresh_directory_share_one_server(data_dir: Path) -> None:
    users = [
        subprocess.Popen(
            [sys.executable, "-c", IN_USE, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    try:
        told = [user.stdout.readline() for user in users if user.stdout is not None]
        first, *others = users
        first.communicate()
        still = find_postmaster(postgres(data_dir))
        for other in others:
            other.communicate()
    finally:
        for user in users:
            user.kill()
            user.wait()

    assert told == [f"{postgres(data_dir)}\n"] * 4
    assert still is not None
    assert find_postmaster(postgres(data_dir)) is None


async def test_a_server_that_a_killed_process_left_behind_is_used_again_and_then_stopped(data_dir: Path) -> None:
    await asyncio.to_thread(use_and_be_killed, data_dir)
    left = find_postmaster(postgres(data_dir))
    assert left is not None

    async with embedded.running(data_dir):
        found = find_postmaster(postgres(data_dir))

    assert found is not None
    assert found.process.pid == left.process.pid
    assert find_postmaster(postgres(data_dir)) is None


async def test_a_server_that_is_killed_beneath_its_user_is_started_again_at_the_same_address(data_dir: Path) -> None:
    async with embedded.running(data_dir) as url:
        first = find_postmaster(postgres(data_dir))
        assert first is not None
        os.kill(first.process.pid, signal.SIGKILL)

        async def answers() -> bool:
            try:
                connection = await asyncpg.connect(driver_url(url), timeout=2)
            except (OSError, asyncpg.PostgresError, TimeoutError):
                return False
            await connection.close()
            return True

        await eventually(answers, within_seconds=20)
        second = find_postmaster(postgres(data_dir))

    assert second is not None
    assert second.process.pid != first.process.pid


async def test_a_frozen_server_does_not_keep_its_last_user(data_dir: Path) -> None:
    async with embedded.running(data_dir):
        postmaster = find_postmaster(postgres(data_dir))
        assert postmaster is not None
        postmaster.process.suspend()

    assert not psutil.pid_exists(postmaster.process.pid)
    assert await value_from(data_dir, "SELECT 6") == 6


async def test_a_long_path_gets_a_short_socket(data_dir: Path) -> None:
    assert await value_from(data_dir / ("d" * 100), "SELECT 8") == 8


async def test_a_data_directory_that_cannot_be_made_names_the_setting(data_dir: Path) -> None:
    (data_dir / "file").write_text("")

    with pytest.raises(SettingsError, match=r"SNIPER_DATA_DIR: cannot use .*: Not a directory"):
        await value_from(data_dir / "file" / "data", "SELECT 1")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without a name")
def test_a_user_without_a_name_is_told_what_to_do_in_one_sentence(data_dir: Path) -> None:
    Tools.for_this_user().give(data_dir)  # Makes the way to the programs passable, too.
    os.chown(data_dir, 54_321, 54_321)

    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{AS_A_USER_WITHOUT_A_NAME}{IN_USE}",
            data_dir,
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    last = ended.stderr.strip().splitlines()[-1]
    assert "could not look up effective user ID 54321" in last
    assert "set SNIPER_DATABASE_URL" in last


def test_a_disk_too_small_is_named_in_one_sentence_and_nothing_half_made_stays(data_dir: Path) -> None:
    last = last_words(ON_A_DISK_TOO_SMALL, data_dir)

    assert "our own PostgreSQL did not start in" in last
    assert "initdb: error:" in last or "FATAL:" in last
    assert [path.name for path in data_dir.iterdir() if path.is_dir()] == []
