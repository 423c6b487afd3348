import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest

from shared.errors import TransientError
from shared.process.lifecycle import StoppedWhileWaitingError, when_available

PROGRAM = """
import asyncio
from shared.process import lifecycle
from shared.errors import SettingsError, SniperError

async def main(stop):
{body}

lifecycle.run(main, stop_seconds={stop_seconds})
"""
WAITS = 'print("up", flush=True)\nawait stop.wait()\nprint("stopping", flush=True)'

FAILS_IN_A_GROUP = """
async def fail():
    raise SettingsError("SNIPER_X: is wrong")
async with asyncio.TaskGroup() as outer, asyncio.TaskGroup() as inner:
    inner.create_task(fail())
"""

SETTINGS_BESIDE_A_STOP = """
inner = ExceptionGroup("", [SettingsError("X")])
raise ExceptionGroup("", [lifecycle.StoppedWhileWaitingError(), inner])
"""


@dataclass(frozen=True)
class End:
    code: int
    out: str
    err: str


def start(body: str, *, stop_seconds: float | None = None) -> "subprocess.Popen[str]":
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=indented, stop_seconds=stop_seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_of(process: "subprocess.Popen[str]") -> End:
    try:
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    return End(process.returncode, out, err)


@pytest.mark.parametrize(
    ("body", "code", "last_words"),
    [
        ("pass", 0, ""),
        ('raise SettingsError("SNIPER_X: is wrong")', 2, "SNIPER_X: is wrong\n"),
        ('raise SniperError("the database is away")', 1, "the database is away\n"),
        ("raise lifecycle.StoppedWhileWaitingError", 0, ""),
        (
            FAILS_IN_A_GROUP,
            2,
            "SNIPER_X: is wrong\n",
        ),
        ('raise ExceptionGroup("", [lifecycle.StoppedWhileWaitingError()])', 0, ""),
        ('raise ExceptionGroup("", [SniperError("the simulator ended")])', 1, "the simulator ended\n"),
        (
            SETTINGS_BESIDE_A_STOP,
            2,
            "X\n",
        ),
    ],
    ids=[
        "returns",
        "settings",
        "failure",
        "stopped early",
        "settings in a task group",
        "stopped early in a task group",
        "failure in a task group",
        "settings beside a task that stopped early",
    ],
)
def test_the_end_of_main_is_the_end_of_the_process(body: str, code: int, last_words: str) -> None:
    assert end_of(start(body)) == End(code, "", last_words)


def test_a_bug_shows_where_it_is() -> None:
    end = end_of(start("1 / 0"))

    assert end.code == 1
    assert "Traceback" in end.err
    assert "ZeroDivisionError" in end.err


def test_a_bug_beside_a_bad_setting_is_not_hidden() -> None:
    end = end_of(start('raise ExceptionGroup("both", [SettingsError("SNIPER_X: is wrong"), KeyError("bug")])'))

    assert end.code == 1
    assert "KeyError: 'bug'" in end.err


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_main_to_end(signum: int) -> None:
    process = start(WAITS)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"

    os.kill(process.pid, signum)

    assert end_of(process) == End(0, "stopping\n", "")


def test_what_does_not_stop_in_its_time_is_cancelled_and_that_is_said() -> None:
    process = start(f"{WAITS}\nawait asyncio.sleep(60)", stop_seconds=0.1)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"

    os.kill(process.pid, signal.SIGTERM)
    end = end_of(process)

    assert (end.code, end.err) == (0, "")
    assert "not finished within the time for a stop" in end.out


def test_a_second_signal_kills() -> None:
    process = start(f"{WAITS}\nawait asyncio.sleep(60)")
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    os.kill(process.pid, signal.SIGTERM)
    assert process.stdout.readline() == "stopping\n"
    asked_at = time.monotonic()

    os.kill(process.pid, signal.SIGTERM)

    assert end_of(process).code == -signal.SIGTERM
    assert time.monotonic() - asked_at < 10


async def test_what_is_away_is_tried_again_until_it_is_there() -> None:
    failures = [TransientError("away"), TransientError("away")]

    async def connect() -> str:
        if failures:
            raise failures.pop()
        return "connected"

    assert await when_available("database", connect, asyncio.Event()) == "connected"


async def test_waiting_ends_when_told_to_stop() -> None:
    stop = asyncio.Event()

    async def connect() -> None:
        stop.set()
        raise TransientError("away")

    with pytest.raises(StoppedWhileWaitingError, match="stopped while waiting for database"):
        await when_available("database", connect, stop)


async def test_what_waiting_cannot_cure_is_raised() -> None:
    async def connect() -> None:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await when_available("database", connect, asyncio.Event())
