"""Look-up of tokens and sessions in the database, which says whether they still hold, by its own clock."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any, Final

import structlog

from api.access.credentials import Credential, Kind
from api.access.principal import Principal, Scope
from shared.errors import TransientError
from shared.postgres.database import Connection, Database
from shared.postgres.error_translation import away_is_transient

log = structlog.get_logger()

LOOK_UP_SECONDS_MAX: Final = 2.0
TOUCH_EVERY: Final = timedelta(minutes=1)
"""Last-used times are this exact, and a row is written no more often."""

FIND_BY_VALUE: Final = """
    SELECT t.id AS token_id, NULL::bigint AS session_id, t.name, t.scope, t.digest, t.expires_at,
           t.revoked_at IS NULL AND coalesce(t.expires_at > now(), true) AS holds,
           extract(epoch FROM t.expires_at - now())::float8 AS seconds_left,
           coalesce(t.last_used_at < now() - $2::interval, true) AS touch_due
    FROM api_tokens t WHERE t.public_id = $1
"""
FIND_BY_SESSION: Final = """
    SELECT s.token_id, s.id AS session_id, t.name, t.scope, s.digest, ends.at AS expires_at,
           s.ended_at IS NULL AND t.revoked_at IS NULL AND ends.at > now() AS holds,
           extract(epoch FROM ends.at - now())::float8 AS seconds_left,
           s.last_used_at < now() - $2::interval AS touch_due
    FROM sessions s
    JOIN api_tokens t ON t.id = s.token_id
    CROSS JOIN LATERAL (
        SELECT least(s.last_used_at + $3::interval, s.created_at + $4::interval, t.expires_at) AS at
    ) ends
    WHERE s.public_id = $1
"""
NOTE_USE: Final = "UPDATE api_tokens SET last_used_at = now() WHERE id = $1"
NOTE_SESSION_USE: Final = "UPDATE sessions SET last_used_at = now() WHERE id = $1"


class Fault(Enum):
    """Reasons why a credential opens nothing."""

    UNKNOWN = auto()
    OVER = auto()
    """It was genuine, and is revoked, signed out or expired."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A credential that holds."""

    principal: Principal
    seconds_left: float | None
    """Until it expires; None: never."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Asks the database about credentials."""

    database: Database
    session_idle: timedelta
    session_max: timedelta

    async def find(self, credential: Credential) -> Holding | Fault:
        """Return whose *credential* is, and note its use; raise TransientError when the database is away."""
        with away_is_transient():
            async with asyncio.timeout(LOOK_UP_SECONDS_MAX), self.database.connection() as connection:
                row = await self._row(connection, credential)
                if row is None or row["digest"] is None or not credential.matches(row["digest"]):
                    return Fault.UNKNOWN
                if not row["holds"]:
                    return Fault.OVER
                if row["touch_due"]:
                    await _touch(connection, row)
        return Holding(_principal(row), row["seconds_left"])

    async def _row(self, connection: Connection, credential: Credential) -> Any:
        if credential.kind is Kind.TOKEN:
            return await connection.fetchrow(FIND_BY_VALUE, credential.public_id, TOUCH_EVERY)
        limits = (self.session_idle, self.session_max)
        return await connection.fetchrow(FIND_BY_SESSION, credential.public_id, TOUCH_EVERY, *limits)


async def _touch(connection: Connection, row: Any) -> None:
    """Note the use of a token, and of the session it comes through; a server that only reads forbids no reading."""
    try:
        with away_is_transient():
            await connection.execute(NOTE_USE, row["token_id"])
            if row["session_id"] is not None:
                await connection.execute(NOTE_SESSION_USE, row["session_id"])
    except TransientError as error:
        log.warning("the use of a token is not recorded", name=row["name"], reason=str(error))


def _principal(row: Any) -> Principal:
    return Principal(row["name"], Scope(row["scope"]), row["token_id"], row["session_id"], row["expires_at"])
