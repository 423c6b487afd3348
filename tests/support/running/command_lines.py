"""Command lines of ours, read by the parser that reads what people type, without doing what they say."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from typer.main import get_command

from cli.main import app

COMMAND: Any = get_command(app)


def parse(arguments: Sequence[str]) -> str:
    """Return the name of the command that *arguments* call, like "config set"; raise its UsageError where they do not.

    Raises AssertionError where they stop at a group that does nothing itself.
    """
    names: list[str] = []
    command, words = COMMAND, list(arguments)
    parent: Any = None
    while True:
        context = command.make_context(names[-1] if names else "sniper", words, parent=parent)
        rest = [*getattr(context, "_protected_args", ()), *context.args]
        if not hasattr(command, "commands") or (not rest and command.invoke_without_command):
            return " ".join(names)
        assert rest, f"{' '.join(names) or 'sniper'} wants a command"
        name, command, words = command.resolve_command(context, rest)
        parent = context
        names.append(name)


def commands(command: Any = COMMAND, within: str = "") -> Iterator[str]:
    """Yield the name of every command that does something, groups among them."""
    for name, below in command.commands.items():
        full = f"{within} {name}".strip()
        if hasattr(below, "commands"):
            yield from commands(below, full)
        if not hasattr(below, "commands") or below.invoke_without_command:
            yield full


def in_sentences(page: Path) -> Iterator[str]:
    """Yield the command lines of ours that *page* names within a sentence or a table."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`(sniper(?: [^`]+)?)`", prose)


def in_blocks(page: Path) -> Iterator[str]:
    """Yield the command lines of ours in the blocks of *page*, which a reader copies, without their comments."""
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if found := re.search(r"(?:^|\$\()(sniper [^)#]*)", line):
                yield found[1].strip()


def in_indented_blocks(page: Path) -> Iterator[str]:
    """Yield the command lines of ours in the indented blocks of *page*, also those that another command runs.

    What stands behind two blanks explains the line.
    """
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for line in re.findall(r"^    (\S.*)$", prose, re.MULTILINE):
        if found := re.search(r"(?:^|\$\(|-- )(sniper .*?)(?:\)|  |$)", line):
            yield found[1].strip()
