"""The only role that may delete and restore archived rows; it is assumed per transaction."""

from typing import Final

import asyncpg

from migrations import roles
from migrations.rights import RIGHTS, SCHEMA_READ, SEQUENCES
from shared.errors import SettingsError
from shared.postgres.database import Connection, Database

ROLE: Final = "sniper_archive"
"""Known to the triggers of revision 036, too."""
GRANTS: Final = (f"GRANT SELECT ON {SCHEMA_READ} TO {ROLE}", *roles.granted("archive"))


def _has_all() -> str:
    tests = [
        f"has_{kind}_privilege(oid, '{name}', '{right.word}')"
        for kind, rights in (("table", RIGHTS["archive"]), ("sequence", SEQUENCES["archive"]))
        for name, given in rights.items()
        for right in given
    ]
    return " AND ".join(tests)


_ROLE_STATE: Final = f"""
    SELECT current_user AS role, EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') AS made,
        coalesce((SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = '{ROLE}'), false)
            AS may,
        coalesce((SELECT {_has_all()} FROM pg_roles WHERE rolname = '{ROLE}'), false) AS granted
"""  # noqa: S608 - constants


async def ensure_role(database: Database) -> None:
    """Create the role if it is missing and we may; otherwise raise SettingsError with the statements to run."""
    async with database.connection() as connection:
        found = await connection.fetchrow(_ROLE_STATE)
    if found is None or (found["may"] and found["granted"]):
        return
    statements = [] if found["made"] else [f"CREATE ROLE {ROLE} NOLOGIN"]
    statements += list(GRANTS) if not found["granted"] else []
    statements += [] if found["may"] else [f'GRANT {ROLE} TO "{found["role"]}"']
    try:
        await _execute(database, statements)
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        await ensure_role(database)
    except asyncpg.InsufficientPrivilegeError:
        needed = "; ".join(statements)
        raise SettingsError(f'role "{found["role"]}" may not do this: have an administrator run {needed}') from None


async def _execute(database: Database, statements: list[str]) -> None:
    connection = await database.pool.acquire()
    try:
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement)
    finally:
        await database.pool.release(connection)


async def assume(connection: Connection) -> None:
    """Assume the role until the end of the transaction."""
    await connection.execute(f"SET LOCAL ROLE {ROLE}")
