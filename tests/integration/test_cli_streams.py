"""The `sniper` command where a standard stream is closed, full, or in an encoding that lacks our characters."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

SNIPER = Path(sys.executable).with_name("sniper")
FULL = Path("/dev/full")
IN_RUNNING_TASKS = """
import asyncio
from cli import standard_streams
from shared.process import lifecycle

async def one():
    print("x" * 100_000, flush=True)

async def both(stop):
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(one())

with standard_streams.standing():
    lifecycle.run(both)
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_changes_no_exit_code(closed: str) -> None:
    ended = subprocess.run(["sh", "-c", f'"{SNIPER}" status {closed}'], capture_output=True, timeout=60, check=False)

    assert ended.returncode == 1  # There is no data.
    assert b"Assertion" not in ended.stderr


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "command", [[SNIPER, "completion", "bash"], [SNIPER, "--help"], [sys.executable, "-c", IN_RUNNING_TASKS]]
)
def test_a_full_disk_under_the_output_is_one_sentence(command: list[str | Path]) -> None:
    with FULL.open("w") as output:
        ended = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, text=True, timeout=60, check=False)

    sentence = f"standard output cannot be written: {os.strerror(errno.ENOSPC)}\n"
    assert (ended.returncode, ended.stderr) == (1, sentence)


@pytest.mark.parametrize("command", [[SNIPER, "completion", "bash"], [sys.executable, "-c", IN_RUNNING_TASKS]])
def test_a_reader_that_is_gone_ends_the_command_without_a_word(command: list[str | Path]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    finally:
        os.close(writing)

    assert (ended.returncode, ended.stderr) == (1, "")


def test_characters_that_the_output_cannot_show_are_replaced() -> None:
    variables = os.environ | {"PYTHONIOENCODING": "ascii", "SNIPER_MEXC_REST_URL": "http://127.0.0.1:9"}

    ended = subprocess.run([SNIPER, "doctor"], env=variables, capture_output=True, text=True, timeout=60, check=False)

    assert (ended.returncode, ended.stderr) == (1, "")
    assert "ConnectError ? see whether this machine may reach it" in ended.stdout
