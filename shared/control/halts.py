"""Which halts are in force: the operator's, and what the executor latched since trading was last resumed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.events import Mode
from shared.postgres.database import Connection

# A row for each, longest in force first. Without a trade_config nobody could resume, and nothing may be traded.
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
    """One reason not to trade."""

    cause: str
    mode: Mode | None
    """None: in both."""
    reason: str
    since: datetime | None
    exits: bool
    """Whether sales stop too."""

    def __str__(self) -> str:
        return f"{self.cause}: {self.reason}" if self.reason else self.cause


async def halts_in_force(connection: Connection) -> list[Halt]:
    """Read every halt in force, the longest first."""
    rows = await connection.fetch(IN_FORCE)
    return [Halt(row["cause"], _mode(row["mode"]), row["reason"], row["since"], row["exits"]) for row in rows]


def _mode(text: str | None) -> Mode | None:
    """Return the mode that is halted; None, which is both, also for one that a newer version knows."""
    return Mode(text) if text in set(Mode) else None
