"""Halts in force: by the operator, and latched by the executor since trading was last resumed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.events import Mode
from shared.postgres.database import Connection

# One row per halt, longest in force first. Without a trade_config no one could resume, so nothing may be traded.
IN_FORCE: Final = """
    SELECT 'operator' AS cause, NULL AS mode, halted_reason AS reason, halted_at AS since, exits_halted AS exits
    FROM trade_config WHERE halted
    UNION ALL
    SELECT cause, mode, reason, created_at, false FROM halts
    WHERE created_at > coalesce((SELECT resumed_at FROM trade_config WHERE id = 1), '-infinity')
    UNION ALL
    SELECT 'config_missing', NULL, 'trade_config has no row', NULL, true
    WHERE NOT EXISTS (SELECT FROM trade_config WHERE id = 1)
    ORDER BY since NULLS FIRST
"""


@dataclass(frozen=True, slots=True)
class Halt:
    """Reason not to trade."""

    cause: str
    mode: Mode | None
    """None for both."""
    reason: str
    since: datetime | None
    exits: bool
    """Whether sales are halted too."""

    def __str__(self) -> str:
        return f"{self.cause}: {self.reason}" if self.reason else self.cause


async def halts_in_force(connection: Connection) -> list[Halt]:
    """Read every halt in force, the longest first."""
    rows = await connection.fetch(IN_FORCE)
    return [Halt(row["cause"], _mode(row["mode"]), row["reason"], row["since"], row["exits"]) for row in rows]


def _mode(text: str | None) -> Mode | None:
    """Return the halted mode; None for both, and for one of a newer version."""
    return Mode(text) if text in set(Mode) else None
