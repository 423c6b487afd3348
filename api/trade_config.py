"""The only writer of trade_config: every change is checked, and recorded with who made it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from api import controls
from api.controls import Controls
from api.schemas import TradeConfig
from shared.database import Connection, Database
from shared.errors import SniperError
from shared.halts import in_force

COLUMNS: Final = (
    "max_trade_usdt, max_position_usdt, auto_trade, halted, exits_halted, halted_reason, created_at, updated_at"
)
READ: Final = f"SELECT {COLUMNS} FROM trade_config"  # noqa: S608 - both are constants
# Changes take turns, so that each is checked against the one before.
READ_LOCKED: Final = f"{READ} FOR UPDATE"
# A halt counts from when it began, whatever is changed meanwhile.
WRITE: Final = """
    UPDATE trade_config
    SET max_trade_usdt = $1, max_position_usdt = $2, auto_trade = $3, halted = $4, exits_halted = $5,
        halted_reason = $6, halted_at = CASE WHEN $4 THEN coalesce(halted_at, clock_timestamp()) END,
        updated_at = clock_timestamp()
"""
# Whatever the executor has latched is older from now on, also where a clock stepped back.
LIFT: Final = """
    UPDATE trade_config
    SET resumed_at = greatest(clock_timestamp(), (SELECT max(created_at) FROM halts)), updated_at = clock_timestamp()
"""
RECORD: Final = "INSERT INTO trade_config_audit (changed_by, before, after) VALUES ($1, $2, $3)"


class MissingConfigError(SniperError):
    """trade_config has lost its row, so nothing is traded: restore it from a backup."""


async def read(database: Database) -> TradeConfig:
    """Return the configuration; raise MissingConfigError where there is none."""
    async with database.connection() as connection:
        return await _read(connection, READ)


async def change(database: Database, changes: Mapping[str, object], *, changed_by: str) -> TradeConfig:
    """Set the fields in *changes* (text is understood); raise RefusedChangeError naming the one that does not fit."""
    return await _decide(database, partial(controls.changed, changes=changes), changed_by)


async def halt(database: Database, reason: str, *, changed_by: str, exits: bool = False) -> TradeConfig:
    """Stop purchases, and *exits* too, until `resume`."""
    return await _decide(database, partial(controls.halted, reason=reason, exits=exits), changed_by)


async def resume(database: Database, *, changed_by: str) -> TradeConfig:
    """Allow trading again, within the limits; lift also what the executor has latched."""
    async with database.transaction() as connection:
        before = _controls(await _read(connection, READ_LOCKED))
        await _write(connection, before, controls.resumed(before), changed_by)
        await connection.execute(LIFT)
        return await _read(connection, READ)


async def _decide(database: Database, decide: Callable[[Controls], Controls], changed_by: str) -> TradeConfig:
    async with database.transaction() as connection:
        current = await _read(connection, READ_LOCKED)
        before = _controls(current)
        after = decide(before)
        if after == before:
            return current
        await _write(connection, before, after, changed_by)
        return await _read(connection, READ)


async def _write(connection: Connection, before: Controls, after: Controls, changed_by: str) -> None:
    await connection.execute(RECORD, changed_by, before.model_dump(mode="json"), after.model_dump(mode="json"))
    await connection.execute(WRITE, *(getattr(after, name) for name in Controls.model_fields))


async def _read(connection: Connection, statement: str) -> TradeConfig:
    row = await connection.fetchrow(statement)
    if row is None:
        raise MissingConfigError
    return TradeConfig.model_validate({**row, "halts": await in_force(connection)})


def _controls(config: TradeConfig) -> Controls:
    return Controls.model_construct(**{name: getattr(config, name) for name in Controls.model_fields})
