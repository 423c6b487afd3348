"""The only writer of trade_config: every change is checked, and recorded with who made it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import asyncpg

from api import controls
from api.controls import Controls
from api.schemas import TradeConfig
from shared.database import Connection, Database
from shared.errors import SniperError

COLUMNS: Final = "max_trade_usdt, max_position_usdt, auto_trade, halted, halted_reason, created_at, updated_at"
READ: Final = f"SELECT {COLUMNS} FROM trade_config"  # noqa: S608 - both are constants
# Changes take turns, so that each is checked against the one before.
READ_LOCKED: Final = f"{READ} FOR UPDATE"
WRITE: Final = f"""
    UPDATE trade_config
    SET max_trade_usdt = $1, max_position_usdt = $2, auto_trade = $3, halted = $4, halted_reason = $5,
        updated_at = clock_timestamp()
    RETURNING {COLUMNS}
"""  # noqa: S608 - both are constants
RECORD: Final = "INSERT INTO trade_config_audit (changed_by, before, after) VALUES ($1, $2, $3)"


class MissingConfigError(SniperError):
    """trade_config has lost its row, so nothing is traded: restore it from a backup."""


async def read(database: Database) -> TradeConfig:
    """Return the configuration; raise MissingConfigError where there is none."""
    async with database.connection() as connection:
        return _found(await connection.fetchrow(READ))


async def change(database: Database, changes: Mapping[str, object], *, changed_by: str) -> TradeConfig:
    """Set the fields in *changes* (text is understood); raise RefusedChangeError naming the one that does not fit."""
    return await _decide(database, partial(controls.changed, changes=changes), changed_by)


async def halt(database: Database, reason: str, *, changed_by: str) -> TradeConfig:
    """Stop trading until `resume`."""
    return await _decide(database, partial(controls.halted, reason=reason), changed_by)


async def resume(database: Database, *, changed_by: str) -> TradeConfig:
    """Allow trading again, within the limits."""
    return await _decide(database, controls.resumed, changed_by)


async def _decide(database: Database, decide: Callable[[Controls], Controls], changed_by: str) -> TradeConfig:
    async with database.transaction() as connection:
        current = _found(await connection.fetchrow(READ_LOCKED))
        before = Controls.model_construct(**{name: getattr(current, name) for name in Controls.model_fields})
        after = decide(before)
        if after == before:
            return current
        return await _write(connection, before, after, changed_by)


async def _write(connection: Connection, before: Controls, after: Controls, changed_by: str) -> TradeConfig:
    await connection.execute(RECORD, changed_by, before.model_dump(mode="json"), after.model_dump(mode="json"))
    values = (getattr(after, name) for name in Controls.model_fields)
    return _found(await connection.fetchrow(WRITE, *values))


def _found(row: asyncpg.Record | None) -> TradeConfig:
    if row is None:
        raise MissingConfigError
    return TradeConfig.model_validate(dict(row))
