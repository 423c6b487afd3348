"""Reference of commands, from their parser and the manual at the end of their help."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from cli.main import app
from cli.manual import MANUAL, USUAL
from reference.markdown import code, page, table
from reference.parameters import choices_of, default_of, spelling_of


def commands_page() -> str:
    """Return docs/commands.md."""
    head = (
        "Every command, from the parser itself; `sniper COMMAND --help` shows the same in a terminal.",
        f"Exit codes, unless a command says otherwise: {USUAL}.",
        "",
        "`sniper completion bash`, `zsh` or `fish` prints what your shell sources to complete command lines.",
    )
    return page("Commands", head, *(_section(name, each) for name, each in _commands(get_command(app))))


def _commands(command: Any, within: str = "") -> Iterator[tuple[str, Any]]:
    for name, below in sorted(command.commands.items()):
        full = f"{within} {name}".strip()
        if full in MANUAL:
            yield full, below
        if hasattr(below, "commands"):
            yield from _commands(below, full)


def _section(name: str, command: Any) -> Iterator[str]:
    manual = MANUAL[name]
    yield f"## sniper {name}"
    yield ""
    yield " ".join((command.help or "").split())
    yield ""
    parameters = [each for each in command.params if each.name != "help"]
    if parameters:
        rows = [
            (code(spelling_of(each)), f"{each.help or ''}{choices_of(each)}{default_of(each)}") for each in parameters
        ]
        yield from table(("argument or option", "meaning"), rows)
        yield ""
    yield "```sh"
    for example in manual.examples:
        yield f"{example.line}   # {example.meaning}"
    yield "```"
    yield ""
    page_name = manual.page.removeprefix("docs/")
    usual = "" if manual.exits == USUAL else f"Exit code: {manual.exits}. "
    yield f"{usual}More: [{page_name}]({page_name})"
