"""Look at everything, print it, and say by an exit code what came of it."""

import asyncio
import json
from collections.abc import Sequence
from typing import Final

from pydantic import TypeAdapter
from pydantic_settings import BaseSettings
from rich.console import Console
from rich.text import Text

from cli import env_check
from cli.composing import services
from cli.doctor import broker, database, exchange, machine
from cli.doctor.finding import Finding, Verdict, exit_code, setting, well, wrong
from shared.errors import SettingsError
from shared.settings import Settings, load

_STYLES: Final = {Verdict.WELL: "green", Verdict.NOTE: "dim", Verdict.WRONG: "red", Verdict.SETTING: "bold red"}
_PART_COLUMNS: Final = 21


async def examine(names: Sequence[str], *, as_json: bool) -> int:
    """Print what was found for the services of these names; return the exit code."""
    found = await findings(names)
    code = exit_code(found)
    console = Console(soft_wrap=True, highlight=False)
    if as_json:
        told = TypeAdapter(list[Finding]).dump_python(found, mode="json")
        console.print(json.dumps({"exit_code": code, "findings": told}, indent=2), markup=False)
    else:
        for each in found:
            console.print(_line(each))
    return code


async def findings(names: Sequence[str]) -> list[Finding]:
    """Return everything that was found; one part that is away hides no other."""
    looked = await asyncio.gather(broker.look(names), database.look(names), exchange.look())
    return [*_settings(names), *machine.look(), *(each for part in looked for each in part)]


def _settings(names: Sequence[str]) -> list[Finding]:
    """Return a finding of the settings that no other line is about, those of the services."""
    complaints = []
    try:
        services.prepare(names)
    except SettingsError as error:
        complaints.append(str(error))
    for kind in env_check.SETTINGS:
        complaints += _complaint(kind)
    told = sorted({each for complaint in complaints for each in complaint.split("; ")})
    if told:
        return [setting("settings", "; ".join(told), "correct what is named: docs/configuration.md lists each")]
    misspelt = env_check.misspelt()
    if misspelt:
        return [wrong("settings", f"nobody reads {', '.join(misspelt)}", "correct the name, or take it away")]
    return [well("settings", "all can be read")]


def _complaint(kind: type[BaseSettings]) -> list[str]:
    if not issubclass(kind, Settings):
        return []  # The simulator's are those of another program.
    try:
        load(kind)
    except SettingsError as error:
        return [str(error)]
    return []


def _line(finding: Finding) -> Text:
    advice = f" → {finding.advice}" if finding.advice else ""
    return Text.assemble(
        (f"{finding.verdict:<8}", _STYLES[finding.verdict]), f"{finding.part:<{_PART_COLUMNS}} {finding.told}{advice}"
    )


def usual() -> Sequence[str]:
    """Return the services that `sniper up` runs, or all but the notifier where its settings cannot be read."""
    try:
        return services.wanted()
    except SettingsError:
        return [name for name in services.NAMES if name != services.NOTIFIER]
