"""`sniper config`, `halt` and `resume`: the limits, and the switch that stops trading."""

from rich.console import Console

from api import trade_config
from api.controls import RefusedChangeError
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


async def halt(reason: str) -> None:
    """Stop trading until `resume`."""
    async with operate.database() as database:
        try:
            after = await trade_config.halt(database, reason, changed_by=operate.operator())
        except RefusedChangeError as error:
            raise operate.refused(error) from None
    _print(after)


async def resume() -> None:
    """Allow trading again, within the limits."""
    async with operate.database() as database:
        _print(await trade_config.resume(database, changed_by=operate.operator()))


def lines(config: TradeConfig) -> list[str]:
    """Return the configuration as `key value` lines."""
    shown = config.model_dump(mode="json", exclude={"created_at"})
    return [f"{name:<18} {str(value).lower() if isinstance(value, bool) else value}" for name, value in shown.items()]


def _print(config: TradeConfig, *, as_json: bool = False) -> None:
    text = config.model_dump_json(indent=2) if as_json else "\n".join(lines(config))
    Console(soft_wrap=True).print(text, markup=False, highlight=False)
