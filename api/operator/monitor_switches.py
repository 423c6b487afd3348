"""Pausing and resuming of detection by operators; the only writer of monitor_switches."""

from typing import Final

from pydantic import AwareDatetime

from api.operator import actions
from api.schemas import Answer
from shared.control.config_store import Author
from shared.control.monitor_switch import LATEST
from shared.postgres.database import Connection, Database

SWITCH: Final = """
    INSERT INTO monitor_switches (paused, reason, changed_by, request_id) SELECT $1, $2, $3, $4
    WHERE $1 <> coalesce((SELECT paused FROM monitor_switches ORDER BY id DESC LIMIT 1), false)
    RETURNING true
"""


class MonitorState(Answer):
    """Whether detection is paused, with time and author of the last switch; null if it was never switched."""

    paused: bool
    reason: str
    changed_by: str | None
    changed_at: AwareDatetime | None

    def message(self) -> str:
        """Return the state in words."""
        if not self.paused:
            return "detection goes on: what was listed meanwhile is published late"
        return f"detection sleeps until `sniper monitor resume`{f': {self.reason}' if self.reason else ''}"


async def pause(database: Database, reason: str, *, changed_by: str, request_id: str | None = None) -> MonitorState:
    """Pause detection within a second or two; listings of meanwhile are published late afterwards."""
    return await _switch(database, reason, changed_by, request_id, paused=True)


async def resume(database: Database, *, changed_by: str, request_id: str | None = None) -> MonitorState:
    """Resume detection."""
    return await _switch(database, "", changed_by, request_id, paused=False)


async def read(database: Database) -> MonitorState:
    """Return whether detection is paused."""
    async with database.connection() as connection:
        return await _read(connection)


async def _switch(
    database: Database, reason: str, changed_by: str, request_id: str | None, *, paused: bool
) -> MonitorState:
    async with database.transaction() as connection:
        if not await connection.fetchval(SWITCH, paused, reason, changed_by, request_id):
            kind: actions.ActionKind = "pause" if paused else "wake"
            await actions.record(connection, kind, Author(changed_by, request_id), details={"reason": reason})
        return await _read(connection)


async def _read(connection: Connection) -> MonitorState:
    row = await connection.fetchrow(LATEST)
    if row is None:
        return MonitorState(paused=False, reason="", changed_by=None, changed_at=None)
    return MonitorState(
        paused=row["paused"], reason=row["reason"], changed_by=row["changed_by"], changed_at=row["created_at"]
    )
