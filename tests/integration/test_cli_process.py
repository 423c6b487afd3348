"""The `sniper` command as a process: how it starts and how it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

SNIPER = Path(sys.executable).with_name("sniper")
HEAVY = ("asyncpg", "fastapi", "httpx", "pydantic", "sqlalchemy", "uvicorn", "aio_pika")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_help_loads_nothing_that_takes_time() -> None:
    program = f"import sys, cli.main; print([name for name in {HEAVY} if name in sys.modules])"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)

    assert loaded.stdout == "[]\n"


def test_help_names_every_command() -> None:
    shown = subprocess.run([SNIPER, "--help"], capture_output=True, text=True, timeout=30, check=True).stdout

    listed = "up demo run simulator migrate inject status config halt resume positions close watch"
    commands = listed.split()
    assert [name for name in commands if f" {name} " not in shown] == []


def test_a_bad_setting_ends_the_process_with_2() -> None:
    variables = os.environ | {"SNIPER_DATABASE_URL": "mysql://c4n4ry"}

    ended = subprocess.run([SNIPER, "status"], env=variables, capture_output=True, text=True, timeout=30, check=False)

    message = "SNIPER_DATABASE_URL: must start with postgresql:// or postgresql+asyncpg://\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", message)


def test_the_simulator_says_where_it_is_and_ends_when_asked() -> None:
    with subprocess.Popen([SNIPER, "simulator", "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            rest = process.stdout.readline().strip().removeprefix("REST on ")
            websocket = process.stdout.readline().strip()
            answer = httpx.get(f"{rest}/ping", trust_env=False, timeout=10)
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=15)
        finally:
            process.kill()

    assert answer.status_code == 200
    assert websocket.startswith("websocket on ws://127.0.0.1:")
    assert code == 0
