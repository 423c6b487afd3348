"""Look-up of tokens and sessions in the database, which judges their validity by its own clock."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any, Final

import structlog

from api.access.credentials import Credential, CredentialKind
from api.access.principal import Principal, Scope
from shared.errors import TransientError
from shared.postgres.database import Connection, Database
from shared.postgres.error_translation import away_is_transient

log = structlog.get_logger()

LOOK_UP_SECONDS_MAX: Final = 2.0
TOUCH_EVERY: Final = timedelta(minutes=1)
"""Resolution of last-used times: a row is written no more often."""

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


class CredentialFault(Enum):
    """Reasons why a credential is not valid."""

    UNKNOWN = auto()
    OVER = auto()
    """Once valid, now revoked, signed out or expired."""


@dataclass(frozen=True, slots=True)
class ValidCredential:
    """A valid credential."""

    principal: Principal
    seconds_left: float | None
    """Until it expires; None: never."""


@dataclass(frozen=True, slots=True)
class CredentialLookup:
    """Queries the database for credentials."""

    database: Database
    session_idle: timedelta
    session_max: timedelta

    async def find(self, credential: Credential) -> ValidCredential | CredentialFault:
        """Return the principal of *credential*, and record its use; raises TransientError."""
        with away_is_transient():
            async with asyncio.timeout(LOOK_UP_SECONDS_MAX), self.database.connection() as connection:
                if credential.kind is CredentialKind.TOKEN:
                    row = await connection.fetchrow(FIND_BY_VALUE, credential.public_id, TOUCH_EVERY)
                else:
                    limits = (self.session_idle, self.session_max)
                    row = await connection.fetchrow(FIND_BY_SESSION, credential.public_id, TOUCH_EVERY, *limits)
                if row is None or row["digest"] is None or not credential.matches(row["digest"]):
                    return CredentialFault.UNKNOWN
                if not row["holds"]:
                    return CredentialFault.OVER
                if row["touch_due"]:
                    await _touch(connection, row)
        scope, session_id = Scope(row["scope"]), row["session_id"]
        principal = Principal(row["name"], scope, row["token_id"], session_id, row["expires_at"])
        return ValidCredential(principal, row["seconds_left"])


async def _touch(connection: Connection, row: Any) -> None:
    """Record the use of a token and of its session; a read-only server does not prevent reading."""
    try:
        with away_is_transient():
            await connection.execute(NOTE_USE, row["token_id"])
            if row["session_id"] is not None:
                await connection.execute(NOTE_SESSION_USE, row["session_id"])
    except TransientError as error:
        log.warning("the use of a token is not recorded", name=row["name"], reason=str(error))
