"""`sniper config`: limits and exit policy, their changes, and their history."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rich.console import Console

from api.operator import config_history, trade_config
from api.operator.config_history import ConfigChange
from api.operator.operator_changes import CHANGEABLE, RefusedChangeError
from api.schemas import TradeConfig
from cli import command_runner
from shared.errors import SettingsError

NONE: Final = "none"
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN: Final = re.compile(r"[0-9]+(\.[0-9]*)?[smhd]")
_UNTIL: Final = "auto_trade_until"
_LADDER: Final = "take_profit_ladder"


async def get(*, as_json: bool) -> None:
    """Print the configuration."""
    async with command_runner.database() as database:
        show(await trade_config.read(database), as_json=as_json)


async def change(key: str, value: str, *, until: str | None, confirmation: str | None) -> None:
    """Set one field; raise SettingsError naming it if the value is invalid."""
    changes: dict[str, object] = {key: parse_value(key, value)}
    if until is not None:
        changes[_UNTIL] = parse_time(until, now=datetime.now(UTC))
    async with command_runner.database() as database:
        try:
            after = await trade_config.change(
                database, changes, changed_by=command_runner.operator_name(), confirmation=confirmation
            )
        except RefusedChangeError as error:
            raise command_runner.usage_error(_by_option(error, until=until)) from None
    show(after)


def _by_option(error: RefusedChangeError, *, until: str | None) -> RefusedChangeError:
    """Return *error* with the options in the place of the fields that they set."""
    options = {"confirm": "--confirm"} | ({} if until is None else {_UNTIL: "--until"})
    return RefusedChangeError([(options.get(field, field), message) for field, message in error.field_errors])


async def history(limit: int, *, as_json: bool) -> None:
    """Print the latest changes, newest first."""
    async with command_runner.database() as database:
        found = await config_history.newest(database, limit=limit)
    lines = [line for each in found.items for line in _change_lines(each)] or ["nothing was changed yet"]
    text = found.model_dump_json(indent=2) if as_json else "\n".join(lines)
    Console(soft_wrap=True).print(text, markup=False, highlight=False)


def parse_value(key: str, value: str) -> object:
    """Parse *value* for the field *key*: ``none`` is no value, and a ladder is JSON."""
    if value == NONE:
        return [] if key == _LADDER else None
    if key != _LADDER:
        return value
    try:
        return json.loads(value)
    except ValueError:
        example = '[{"at_pct": 30, "sell_pct": 50}]'
        raise SettingsError(f"{_LADDER}: is JSON like {example}, or none") from None


def parse_time(text: str, *, now: datetime) -> object:
    """Return the time of *text*: a span from *now* on like 90m, or ISO 8601 with its offset."""
    if not _SPAN.fullmatch(text):
        return text
    try:
        return now + timedelta(seconds=float(text[:-1]) * _UNITS[text[-1]])
    except OverflowError:
        raise SettingsError("--until: is beyond the year 9999") from None


def limit_lines(config: TradeConfig) -> list[str]:
    """Return limits and exits as `key value` lines."""
    shown = config.model_dump(mode="json", include={*CHANGEABLE, "updated_at"})
    return [_line(name, _text(shown[name])) for name in (*CHANGEABLE, "updated_at")]


def halt_lines(config: TradeConfig) -> list[str]:
    """Return a line for each halt in force: its extent, start, cause and reason."""
    return [
        f"{'purchases and sales' if halt.exits else 'purchases'}"
        f"{f' ({halt.mode})' if halt.mode else ''}"
        f"{f' since {halt.since:%Y-%m-%d %H:%M:%S} UTC' if halt.since else ''}"
        f", by {halt.cause}: {halt.reason}"
        for halt in config.halts
    ]


def show(config: TradeConfig, *, as_json: bool = False) -> None:
    """Print *config*."""
    halted = [*halt_lines(config), *(["everything held is being sold"] if config.selling_all else [])]
    lines = [*limit_lines(config), *(_line("halted", each) for each in halted or ["no"])]
    text = config.model_dump_json(indent=2) if as_json else "\n".join(lines)
    Console(soft_wrap=True).print(text, markup=False, highlight=False)


def _change_lines(change: ConfigChange) -> Sequence[str]:
    head = f"{change.created_at:%Y-%m-%d %H:%M:%S} UTC  {change.changed_by}"
    fields = [f"    {name}: {_text(before)} -> {_text(after)}" for name, (before, after) in change.changed().items()]
    return [head, *(fields or ["    resumed: what the executor had halted, if anything, is lifted"])]


def _line(name: str, value: str) -> str:
    return f"{name:<23} {value}"


def _text(value: Any) -> str:
    match value:
        case None | []:
            return NONE
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case list():
            return json.dumps(value)
        case _:
            return str(value)
