"""API tokens: created, shown once, and revoked permanently; the only writer of api_tokens."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from api.access import credentials
from api.access.credentials import CredentialKind
from api.access.principal import Scope
from shared.errors import SniperError
from shared.postgres.database import Connection, Database

LOCAL: Final = "local"
"""Name of the token without a value, behind the links that `sniper up` and `sniper sign-in` print."""
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,49}")
LIFETIME_MAX: Final = timedelta(days=3650)

CREATE: Final = """
    INSERT INTO api_tokens (public_id, digest, name, scope, created_by, expires_at)
    VALUES ($1, $2, $3, $4, $5, now() + $6::interval)
    ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
    RETURNING id
"""
ENSURE_LOCAL: Final = """
    INSERT INTO api_tokens (name, scope, created_by) VALUES ($1, 'operate', $2)
    ON CONFLICT (name) WHERE revoked_at IS NULL DO UPDATE SET name = excluded.name
    RETURNING id
"""
LIST: Final = """
    SELECT t.name, t.scope, t.created_by, t.created_at, t.expires_at, t.last_used_at, t.revoked_at, t.revoked_by,
           t.revoked_at IS NULL AND coalesce(t.expires_at > now(), true) AS usable, t.digest IS NOT NULL AS has_value
    FROM api_tokens t ORDER BY t.created_at, t.id
"""
REVOKE: Final = "UPDATE api_tokens SET revoked_at = now(), revoked_by = $2 WHERE name = $1 AND revoked_at IS NULL"
IS_ANY_USABLE: Final = """
    SELECT EXISTS (SELECT FROM api_tokens
                   WHERE digest IS NOT NULL AND revoked_at IS NULL AND coalesce(expires_at > now(), true))
"""


class RefusedTokenError(SniperError):
    """A token cannot be created or revoked; the message says why."""


class TokenRow(NamedTuple):
    """One token, without its secret."""

    name: str
    scope: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None
    usable: bool
    has_value: bool
    """False for the one that signs in by links only."""


async def create(
    database: Database, name: str, scope: Scope, *, created_by: str, lifetime: timedelta | None = None
) -> str:
    """Create a token and return its value, which is not stored; raise RefusedTokenError if that is refused."""
    if not NAME.fullmatch(name):
        raise RefusedTokenError("name: up to 50 letters, digits and . _ @ -, beginning with a letter or a digit")
    if name == LOCAL:
        raise RefusedTokenError(f"name: {LOCAL} is kept for sign-in links of this machine")
    if lifetime is not None and not timedelta(0) < lifetime <= LIFETIME_MAX:
        raise RefusedTokenError(f"expiry: must be within {LIFETIME_MAX.days} days")
    value, made = credentials.make(CredentialKind.TOKEN)
    async with database.connection() as connection:
        row_id = await connection.fetchval(CREATE, made.public_id, made.digest, name, scope, created_by, lifetime)
    if row_id is None:
        raise RefusedTokenError(f"name: there is a token {name} already, revoke it first")
    return value


async def ensure_local(connection: Connection, *, created_by: str) -> int:
    """Return the id of the token behind sign-in links of this machine, creating it if needed."""
    return int(await connection.fetchval(ENSURE_LOCAL, LOCAL, created_by))


async def all_tokens(database: Database) -> Sequence[TokenRow]:
    """Return all tokens, revoked ones too, oldest first."""
    async with database.connection() as connection:
        return [TokenRow(**row) for row in await connection.fetch(LIST)]


async def revoke(database: Database, name: str, *, revoked_by: str) -> None:
    """Revoke a token with its sessions and links; raise RefusedTokenError if there is none of that name."""
    async with database.connection() as connection:
        done = await connection.execute(REVOKE, name, revoked_by)
    if done == "UPDATE 0":
        raise RefusedTokenError(f"there is no token {name}, or it is revoked already")


async def is_any_usable(database: Database) -> bool:
    """Return whether there is a usable token with a value."""
    async with database.connection() as connection:
        return bool(await connection.fetchval(IS_ANY_USABLE))
