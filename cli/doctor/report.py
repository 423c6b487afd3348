"""Run all checks, print their findings, and return the exit code."""

import asyncio
import json
from collections.abc import Sequence
from typing import Final

from pydantic import TypeAdapter
from rich.console import Console
from rich.text import Text

from cli import env_check
from cli.composing import services
from cli.doctor import broker, database, exchange, machine
from cli.doctor.finding import Finding, Verdict, exit_code, not_examined, note, setting, well, wrong
from shared.errors import SettingsError
from shared.settings import Settings, load

_STYLES: Final = {Verdict.WELL: "green", Verdict.NOTE: "dim", Verdict.WRONG: "red", Verdict.SETTING: "bold red"}
_PART_COLUMNS: Final = 21


async def examine(names: Sequence[str], *, as_json: bool) -> int:
    """Print the findings for these services; return the exit code."""
    found = await findings(names)
    code = exit_code(found)
    console = Console(soft_wrap=True, highlight=False)
    if as_json:
        told = TypeAdapter(list[Finding]).dump_python(found, mode="json")
        console.print(json.dumps({"exit_code": code, "findings": told}, indent=2), markup=False)
    else:
        for each in found:
            head = (f"{each.verdict:<8}", _STYLES[each.verdict])
            advice = f" → {each.advice}" if each.advice else ""
            console.print(Text.assemble(head, f"{each.part:<{_PART_COLUMNS}} {each.told}{advice}"))
    return code


async def findings(names: Sequence[str]) -> list[Finding]:
    """Return all findings; an unavailable part does not hide the others."""
    looked = await asyncio.gather(broker.check(names), database.check(names), exchange.check(names))
    return [
        *judge_settings(names),
        *machine.check(),
        judge_secrets(),
        judge_transport(),
        *(each for part in looked for each in part),
    ]


def judge_settings(names: Sequence[str]) -> list[Finding]:
    """Return the finding on the settings of services, which no other check covers."""
    complaints = []
    try:
        services.prepare(names)
    except SettingsError as error:
        complaints.append(str(error))
    # The simulator's settings are those of another program.
    for kind in (each for each in env_check.SETTINGS if issubclass(each, Settings)):
        try:
            load(kind)
        except SettingsError as error:
            complaints.append(str(error))
    told = sorted({each for complaint in complaints for each in complaint.split("; ")})
    if told:
        return [setting("settings", "; ".join(told), "correct what is named: docs/configuration.md lists each")]
    misspelt = env_check.misspelled_names()
    if misspelt:
        return [wrong("settings", f"nobody reads {', '.join(misspelt)}", "correct the name, or take it away")]
    return [well("settings", "all can be read")]


def judge_secrets() -> Finding:
    """Return the finding on the .env file of the working directory."""
    try:
        names = env_check.secrets_others_may_read()
    except (OSError, UnicodeError):  # Which file it is, and why, is the finding on the settings.
        return not_examined(("secrets",), ".env cannot be read")[0]
    if names:
        return note("secrets", f"every user of this machine may read {', '.join(names)} in .env", "chmod 600 .env")
    return well("secrets", "no other user may read them in .env")


def judge_transport() -> Finding:
    """Return the finding on how requests reach the API."""
    part = "API's transport"
    try:
        plain = env_check.plain_api()
    except SettingsError:
        return not_examined((part,), "the settings are wrong")[0]
    if plain is not None:
        return note(part, f"plain HTTP at {plain[0]}: tokens can be read on their way", plain[1])
    return well(part, "encrypted, or on this machine alone")


def default_services() -> Sequence[str]:
    """Return the services that `sniper up` runs, or all but the notifier if its settings are invalid."""
    try:
        return services.configured_services()
    except SettingsError:
        return [name for name in services.NAMES if name != services.NOTIFIER]
