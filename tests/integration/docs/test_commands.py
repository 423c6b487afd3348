"""Every command line that the pages show is run, on a real database: none is refused as mistyped."""

import asyncio
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from shared.events import utc_now
from tests.support.data import rows
from tests.support.data.builders import NOON
from tests.support.running.command_lines import in_blocks
from tests.support.running.services import open_database

ROOT: Final = Path(__file__).parents[3]
LASTING: Final = frozenset({"up", "run", "simulator", "watch", "demo"})
"""They run until they are stopped, or for long: tests/e2e runs each."""
IN_ORDER: Final = ("quickstart.md", "archive.md")
"""Pages whose commands follow each other: each must end well where the one before has."""
Sniper = Callable[..., Result]


@pytest.fixture
def sniper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Sniper:
    """Run a command on a database that has something of everything, with no addresses to notify."""
    monkeypatch.chdir(tmp_path)
    asyncio.run(_fill(database_url))
    variables = {"SNIPER_DATABASE_URL": database_url, "SNIPER_MEXC_REST_URL": "http://127.0.0.1:1"}
    return lambda *words: CliRunner().invoke(app, words, env=variables)


async def _fill(url: str) -> None:
    async with open_database(url) as database, database.engine.begin() as connection:
        for table in ("listings", "trades"):
            await rows.store(connection, table, created_at=NOON)
        for table in ("positions", "orders"):
            await rows.store(connection, table)
        await rows.store(connection, "bot_health", updated_at=utc_now())


def lines(page: str) -> list[list[str]]:
    told = [shlex.split(line)[1:] for line in in_blocks(ROOT / "docs" / page)]
    return [words for words in told if words[0] not in LASTING]


@pytest.mark.parametrize("page", IN_ORDER)
def test_the_commands_of_a_page_do_what_it_says(sniper: Sniper, page: str) -> None:
    for words in lines(page):
        ended = sniper(*words)
        # The doctor finds that there is no exchange here, which is what it is for.
        assert ended.exit_code == (1 if words[0] == "doctor" else 0), (words, ended.output)


@pytest.mark.parametrize("words", lines("commands.md"), ids=" ".join)
def test_every_example_is_understood(sniper: Sniper, words: list[str]) -> None:
    ended = sniper(*words)

    assert ended.exit_code in {0, 1, 2}
    assert not re.search(r"Usage:|Traceback", ended.output), ended.output
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
