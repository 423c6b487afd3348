"""Pause of detection by an operator."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.postgres.database import Connection

LATEST: Final = "SELECT paused, reason, changed_by, created_at FROM monitor_switches ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Pause:
    """Pause in force, and its author."""

    by: str
    since: datetime
    reason: str

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        return f"paused by {self.by} since {self.since:%Y-%m-%d %H:%M:%S} UTC{why}"


async def pause_in_force(connection: Connection) -> Pause | None:
    """Return the pause in force; None without one."""
    row = await connection.fetchrow(LATEST)
    if row is None or not row["paused"]:
        return None
    return Pause(row["changed_by"], row["created_at"], row["reason"])
