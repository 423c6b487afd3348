"""Command lines on the pages of the documentation, read by the parser that reads what people type."""

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.running.command_lines import commands, in_blocks, in_sentences, parse

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PLACES: Final = {
    "SYMBOL": "ABCUSDT",
    "SERVICE": "executor",
    "SYMBOL|LISTING_KEY": "ABCUSDT:1",
    "KEY=VALUE": "stop_loss_pct=10",
    "COMMAND": "status",
    "N": "3",
    "P": "8080",
}
"""What stands for a word that the reader puts in."""
GROUPS: Final = {name.rpartition(" ")[0] for name in commands()} - {""}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_in_a_block_can_be_typed(page: Path) -> None:
    wrong = [(line, error) for line in in_blocks(page) for words in typed(line) if (error := objection(words))]

    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_within_a_sentence_exists_with_its_options(page: Path) -> None:
    wrong = [(line, error) for line in in_sentences(page) for words in typed(line) if (error := objection(words))]

    assert [(line, error) for line, error in wrong if not error.startswith("MissingParameter")] == []


def typed(line: str) -> Iterator[list[str]]:
    """Yield the words of *line* behind `sniper`, once for each alternative, with examples in place of names."""
    words = shlex.split(line)[1:]
    yield from map(list, itertools.product(*(_alternatives(word) for word in words)))


def _alternatives(word: str) -> list[str]:
    if word in PLACES:
        return [PLACES[word]]
    return word.split("|") if re.fullmatch(r"[a-z-]+(\|[a-z-]+)+", word) else [word]


def objection(words: list[str]) -> str:
    """Return what the parser says against *words*; nothing where they are a command, or name a group of them."""
    if not words or " ".join(words) in GROUPS or words[-1] == "--help":
        return ""
    try:
        parse(words)
    except Exception as error:  # noqa: BLE001 - whatever the parser raises, and says
        return f"{type(error).__name__}: {error}"
    return ""
