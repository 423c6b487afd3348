"""The manual at the end of each command's help, and the completion of command lines."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.completion import VARIABLE
from cli.main import app
from cli.manual import MANUAL, Example
from tests.support.running.command_lines import commands, parse

ROOT = Path(__file__).parents[3]
COMMANDS = sorted(commands())
EXAMPLES = [(name, example) for name, manual in MANUAL.items() for example in manual.examples]


def test_every_command_has_a_manual_and_no_other_has() -> None:
    assert sorted(MANUAL) == COMMANDS


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[example.line for _, example in EXAMPLES])
def test_every_example_calls_its_command(name: str, example: Example) -> None:
    program, *arguments = shlex.split(re.sub(r'^eval "\$\((.*)\)"$', r"\1", example.line))

    assert program == "sniper"
    assert parse(arguments) == name


@pytest.mark.parametrize("name", [each for each in COMMANDS if each != "simulator"])
def test_help_says_what_a_command_does_with_examples_and_exit_codes(name: str) -> None:
    shown = CliRunner().invoke(
        app, [*name.split(), "--help"], env={"COLUMNS": "200", "TERM": "dumb"}, prog_name="sniper"
    )

    assert shown.exit_code == 0
    assert re.search(rf"Usage: sniper {name}\b.*\n\s*\n\s+[A-Z].+[.:]", shown.stdout)
    for example in MANUAL[name].examples:
        assert f"{example.line}    {example.meaning}" in shown.stdout
    assert "Exit code: 0 " in shown.stdout
    assert f"More: {MANUAL[name].page}" in shown.stdout


@pytest.mark.parametrize("page", sorted({manual.page for manual in MANUAL.values()}))
def test_the_page_to_read_on_exists(page: str) -> None:
    assert (ROOT / page).is_file()


def asked(shell: str, line: str) -> list[str]:
    """Return the answer to a shell's completion query for *line*, in that shell's protocol."""
    words = line.split(" ")
    variables = {
        VARIABLE: f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "cli"],
        env=os.environ | variables | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return re.findall(r"[\w-]+", ended.stdout)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "word"),
    [("sniper arch", "archive"), ("sniper run exec", "executor"), ("sniper demo --list", "--listings")],
)
def test_a_shell_is_told_what_may_come(shell: str, line: str, word: str) -> None:
    assert word in asked(shell, line)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_asks_us(shell: str) -> None:
    shown = CliRunner().invoke(app, ["completion", shell])

    assert shown.exit_code == 0
    assert f"{VARIABLE}=complete_{shell}" in shown.stdout


def test_a_real_bash_completes_a_command_line() -> None:
    program = """
        source <(sniper completion bash)
        COMP_WORDS=(sniper run "") COMP_CWORD=2
        _sniper_completion sniper
        echo "${COMPREPLY[@]}"
    """
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ended = subprocess.run(
        ["bash", "-c", program], env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=30, check=True
    )

    assert ended.stdout.split() == ["ingest", "dedup", "executor", "persister", "api", "notifier", "express"]
