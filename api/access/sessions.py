"""Browser sessions, and the links that start one; the only writer of sessions and sign_in_links."""

from datetime import timedelta
from typing import Final

from api.access import credentials, tokens
from api.access.credentials import Credential, CredentialKind
from shared.errors import SniperError
from shared.postgres.database import Connection, Database

LINK_LIFETIME: Final = timedelta(minutes=10)

START: Final = "INSERT INTO sessions (public_id, digest, token_id) VALUES ($1, $2, $3)"
END: Final = "UPDATE sessions SET ended_at = now() WHERE id = $1 AND ended_at IS NULL"
MAKE_LINK: Final = """
    INSERT INTO sign_in_links (public_id, digest, token_id, expires_at) VALUES ($1, $2, $3, now() + $4::interval)
"""
FIND_LINK: Final = """
    SELECT l.id, l.digest, l.token_id,
           l.used_at IS NULL AND l.expires_at > now()
           AND t.revoked_at IS NULL AND coalesce(t.expires_at > now(), true) AS usable
    FROM sign_in_links l JOIN api_tokens t ON t.id = l.token_id
    WHERE l.public_id = $1
"""
# Of two concurrent uses of one link, one finds it unused.
USE_LINK: Final = "UPDATE sign_in_links SET used_at = now() WHERE id = $1 AND used_at IS NULL"


class SpentLinkError(SniperError):
    """The sign-in link was used before, or is too old: ask for another with `sniper sign-in`."""


class UnknownLinkError(SniperError):
    """There is no such sign-in link."""


async def start(database: Database, token_id: int) -> str:
    """Start a session of a token and return its value, for the cookie; it is not stored."""
    async with database.connection() as connection:
        return await _start(connection, token_id)


async def start_by_link(database: Database, link: Credential | None) -> str:
    """Use *link* (None: malformed), start a session of its token and return its value.

    Raises SpentLinkError or UnknownLinkError.
    """
    if link is None:
        raise UnknownLinkError
    async with database.transaction() as connection:
        row = await connection.fetchrow(FIND_LINK, link.public_id)
        if row is None or not link.matches(row["digest"]):
            raise UnknownLinkError
        if not row["usable"] or await connection.execute(USE_LINK, row["id"]) != "UPDATE 1":
            raise SpentLinkError
        return await _start(connection, row["token_id"])


async def end(database: Database, session_id: int) -> None:
    """End a session for good."""
    async with database.connection() as connection:
        await connection.execute(END, session_id)


async def make_link(database: Database, *, created_by: str) -> str:
    """Return the value of a link that signs in the operator of this machine, once, within ten minutes."""
    value, made = credentials.make(CredentialKind.LINK)
    async with database.transaction() as connection:
        token_id = await tokens.ensure_local(connection, created_by=created_by)
        await connection.execute(MAKE_LINK, made.public_id, made.digest, token_id, LINK_LIFETIME)
    return value


async def _start(connection: Connection, token_id: int) -> str:
    value, made = credentials.make(CredentialKind.SESSION)
    await connection.execute(START, made.public_id, made.digest, token_id)
    return value
