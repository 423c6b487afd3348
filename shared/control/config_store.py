"""Table trade_config: reads, and changes together with the audit row of their author.

Every writer of the row uses this module: operators through `api.operator.trade_config`, and the executor where
auto_trade expires or an environment seeds the exits once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.control.controls import FIELDS, SEEDED, Controls, changed_fields, controls_from_row
from shared.postgres.database import Connection

COLUMNS: Final = ", ".join(FIELDS)
READ: Final = f"SELECT {COLUMNS}, exits_seeded_at, created_at, updated_at FROM trade_config"  # noqa: S608 - constants
# Serialises changes, so that each is checked against the one before.
READ_LOCKED: Final = f"""
    SELECT {COLUMNS}, exits_seeded_at, updated_at, clock_timestamp() AS now FROM trade_config FOR UPDATE
"""  # noqa: S608 - constants
RECORD: Final = "INSERT INTO trade_config_audit (changed_by, before, after, request_id) VALUES ($1, $2, $3, $4)"
_UPDATE: Final = "UPDATE trade_config SET updated_at = clock_timestamp()"
# A halt counts from its beginning, whatever changes meanwhile.
_HALTED_AT: Final = "halted_at = CASE WHEN {value} THEN coalesce(halted_at, clock_timestamp()) END"
_SEEDED_AT: Final = "exits_seeded_at = coalesce(exits_seeded_at, clock_timestamp())"


@dataclass(frozen=True, slots=True)
class LockedConfig:
    """Row of trade_config, locked until the transaction ends."""

    controls: Controls
    exits_are_seeded: bool
    updated_at: datetime
    """Version of the row."""
    now: datetime
    """By the database's clock."""


@dataclass(frozen=True, slots=True)
class Author:
    """Author of a change."""

    name: str
    request_id: str | None = None


async def lock_config(connection: Connection) -> LockedConfig | None:
    """Lock the row for the rest of the transaction and return it; None where there is none."""
    row = await connection.fetchrow(READ_LOCKED)
    if row is None:
        return None
    return LockedConfig(controls_from_row(dict(row)), row["exits_seeded_at"] is not None, row["updated_at"], row["now"])


async def write(connection: Connection, before: Controls, after: Controls, author: Author) -> None:
    """Store *after* in place of *before*, which is locked, with an audit row of *author*."""
    changes = changed_fields(before, after)
    documents = before.model_dump(mode="json"), after.model_dump(mode="json")
    await connection.execute(RECORD, author.name, *documents, author.request_id)
    statement, values = assignments(changes)
    await connection.execute(statement, *values)


def assignments(changes: Mapping[str, Any]) -> tuple[str, list[object]]:
    """Return the statement that stores *changes* by field, and its arguments."""
    parts, values = [_UPDATE], list[object]()
    for number, (name, value) in enumerate(changes.items(), start=1):
        values.append(_stored(name, value))
        parts.append(f"{name} = ${number}")
        if name == "halted":
            parts.append(_HALTED_AT.format(value=f"${number}"))
    if SEEDED & changes.keys():
        parts.append(_SEEDED_AT)
    return ", ".join(parts), values


def _stored(name: str, value: Any) -> object:
    return [step.model_dump(mode="json") for step in value] if name == "take_profit_ladder" else value
