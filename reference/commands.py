"""Reference of commands, from their parser and the manual at the end of their help."""

from collections.abc import Iterator
from enum import Enum
from typing import Any

from typer.main import get_command

from cli.main import app
from cli.manual import MANUAL, USUAL
from reference.markdown import code, page, table


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
    yield from _parameters(command)
    yield "```sh"
    for example in manual.examples:
        yield f"{example.line}   # {example.meaning}"
    yield "```"
    yield ""
    page_name = manual.page.removeprefix("docs/")
    usual = "" if manual.exits == USUAL else f"Exit code: {manual.exits}. "
    yield f"{usual}More: [{page_name}]({page_name})"


def _parameters(command: Any) -> Iterator[str]:
    rows = [
        (code(_spelling(each)), f"{each.help or ''}{_choices(each)}{_default(each)}")
        for each in command.params
        if each.name != "help"
    ]
    if rows:
        yield from table(("argument or option", "meaning"), rows)
        yield ""


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    value = "" if parameter.is_flag else f" {parameter.metavar or _value(parameter.type_descriptor.annotation)}"
    return f"{', '.join(parameter.opts)}{value}"


def _value(kind: type) -> str:
    if issubclass(kind, Enum):
        return "|".join(str(each.value) for each in kind)
    return {int: "NUMBER", float: "NUMBER"}.get(kind, "TEXT")


def _choices(parameter: Any) -> str:
    kind = parameter.type_descriptor.annotation
    if parameter.param_type_name != "argument" or not issubclass(kind, Enum):
        return ""
    return f" One of {', '.join(code(str(each.value)) for each in kind)}."


def _default(parameter: Any) -> str:
    default = parameter.default
    if default is None or default is False or default == "" or getattr(parameter, "required", False):
        return ""
    if callable(default):
        return ""
    return f" Default: {code(str(getattr(default, 'value', default)))}."
