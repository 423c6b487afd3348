"""`sniper config`, `halt` and `resume`: the limits, and the switch that stops trading."""

from rich.console import Console

from api import trade_config
from api.controls import CHANGEABLE, RefusedChangeError
from api.schemas import TradeConfig
from cli import operate


async def get(*, as_json: bool) -> None:
    """Print the configuration."""
    async with operate.database() as database:
        _print(await trade_config.read(database), as_json=as_json)


async def change(key: str, value: str) -> None:
    """Set one limit; raise SettingsError naming it where the value does not fit."""
    async with operate.database() as database:
        try:
            after = await trade_config.change(database, {key: value}, changed_by=operate.operator())
        except RefusedChangeError as error:
            raise operate.refused(error) from None
    _print(after)


async def halt(reason: str, *, exits: bool) -> None:
    """Stop purchases, and *exits* too, until `resume`."""
    async with operate.database() as database:
        try:
            after = await trade_config.halt(database, reason, changed_by=operate.operator(), exits=exits)
        except RefusedChangeError as error:
            raise operate.refused(error) from None
    _print(after)


async def resume() -> None:
    """Allow trading again, within the limits."""
    async with operate.database() as database:
        _print(await trade_config.resume(database, changed_by=operate.operator()))


def limits(config: TradeConfig) -> list[str]:
    """Return the limits as `key value` lines."""
    shown = config.model_dump(mode="json", include={*CHANGEABLE, "updated_at"})
    return [_line(name, str(value).lower() if isinstance(value, bool) else value) for name, value in shown.items()]


def halts(config: TradeConfig) -> list[str]:
    """Return a line for each halt in force: what stands still since when, and who or what is the cause."""
    return [
        f"{'purchases and sales' if halt.exits else 'purchases'}"
        f"{f' ({halt.mode})' if halt.mode else ''}"
        f"{f' since {halt.since:%Y-%m-%d %H:%M:%S} UTC' if halt.since else ''}"
        f", by {halt.cause}: {halt.reason}"
        for halt in config.halts
    ]


def _line(name: str, value: str) -> str:
    return f"{name:<18} {value}"


def _print(config: TradeConfig, *, as_json: bool = False) -> None:
    lines = [*limits(config), *(_line("halted", each) for each in halts(config) or ["no"])]
    text = config.model_dump_json(indent=2) if as_json else "\n".join(lines)
    Console(soft_wrap=True).print(text, markup=False, highlight=False)
