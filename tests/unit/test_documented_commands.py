"""Command lines on the pages of the documentation, read by the parser that reads what people type."""

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cli import env_check
from tests.support.running.command_lines import commands, in_blocks, in_indented_blocks, in_sentences, parse

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PLACES: Final = {
    "SYMBOL": "ABCUSDT",
    "SERVICE": "executor",
    "SYMBOL|LISTING_KEY": "ABCUSDT:1",
    "KEY=VALUE": "stop_loss_pct=10",
    "COMMAND": "status",
    "CLIENT_ID": "sn1",
    "NAME": "me",
    "N": "3",
    "P": "8080",
}
"""What stands for a word that the reader puts in."""
GROUPS: Final = {name.rpartition(" ")[0] for name in commands()} - {""}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_in_a_block_can_be_typed(page: Path) -> None:
    lines = [*in_blocks(page), *in_indented_blocks(page)]
    wrong = [(line, error) for line in lines for words in typed(line) if (error := objection(words))]

    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_within_a_sentence_exists_with_its_options(page: Path) -> None:
    wrong = [(line, error) for line in in_sentences(page) for words in typed(line) if (error := objection(words))]

    assert [(line, error) for line, error in wrong if not error.startswith("MissingParameter")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_sentence_sends_a_reader_to_a_group_of_commands(page: Path) -> None:
    """One that does nothing but print its help; together with commands of it, it may be named."""
    bare = {line for line in in_sentences(page) if line.removeprefix("sniper ") in GROUPS - set(commands())}

    assert bare == set()


def test_command_lines_are_found_in_blocks_of_both_forms() -> None:
    by_page = {page.name: (list(in_blocks(page)), list(in_indented_blocks(page))) for page in PAGES}

    assert "sniper token revoke first" in by_page["deployment.md"][1], "behind kubectl"
    assert "sniper token create me --scope operate" in by_page["api.md"][1], "within an assignment"
    assert "sniper token list [--all] [--json]" in by_page["security.md"][1], "without what explains it"
    assert len(by_page["commands.md"][0]) > 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_target_of_make_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+(?: [a-z]+)*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    known = {name for line in targets for name in line.split()}

    assert {
        *re.findall(r"`make ([a-z-]+)", text_of(page)),
        *re.findall(r"^    make ([a-z-]+)", text_of(page), re.MULTILINE),
    } <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_and_script_that_python_is_to_run_exists(page: Path) -> None:
    modules = re.findall(r"python3? -m ((?:bench|contract|reference|shared|tests)[\w.]*)", text_of(page))
    scripts = re.findall(r"python3? ([\w/]+\.py)", text_of(page))

    places = [ROOT / name.rstrip(".").replace(".", "/") for name in modules]
    assert [each for each in places if not (each.with_suffix(".py").exists() or (each / "__main__.py").exists())] == []
    assert [each for each in scripts if not (ROOT / each).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_variable_is_one_that_is_read(page: Path) -> None:
    named = set(re.findall(r"\bSNIPER_[A-Z0-9_]*[A-Z0-9]\b(?![_*])", text_of(page)))

    assert {name for name in named - env_check.known() if not is_of_tests(name)} == set()


def is_of_tests(name: str) -> bool:
    """Return whether *name* is a variable that a test reads."""
    sources = (ROOT / "tests").rglob("*.py")
    return name.startswith("SNIPER_TEST_") and any(f'"{name}"' in text_of(source) for source in sources)


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def typed(line: str) -> Iterator[list[str]]:
    """Yield the words of *line* behind `sniper`, once for each alternative, with examples in place of names."""
    words = shlex.split(re.sub(r"\[(--[^]]*)\]", r"\1", line))[1:]  # What stands in brackets may be left out.
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
