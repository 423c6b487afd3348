"""The one role that may take archived rows away and bring them back. Whoever acts as it does so on purpose."""

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


_STANDING: Final = f"""
    SELECT current_user AS role, EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') AS made,
        coalesce((SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = '{ROLE}'), false)
            AS may,
        coalesce((SELECT {_has_all()} FROM pg_roles WHERE rolname = '{ROLE}'), false) AS granted
"""  # noqa: S608 - constants


async def ensure(database: Database) -> None:
    """Make the role where it is missing and we may; raise SettingsError with the statements where we may not."""
    async with database.connection() as connection:
        standing = await connection.fetchrow(_STANDING)
    if standing is None or (standing["may"] and standing["granted"]):
        return
    statements = [] if standing["made"] else [f"CREATE ROLE {ROLE} NOLOGIN"]
    statements += list(GRANTS) if not standing["granted"] else []
    statements += [] if standing["may"] else [f'GRANT {ROLE} TO "{standing["role"]}"']
    try:
        await _execute(database, statements)
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        await ensure(database)
    except asyncpg.InsufficientPrivilegeError:
        told = "; ".join(statements)
        raise SettingsError(f'role "{standing["role"]}" may not do this: have an administrator run {told}') from None


async def _execute(database: Database, statements: list[str]) -> None:
    connection = await database.pool.acquire()
    try:
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement)
    finally:
        await database.pool.release(connection)


async def act(connection: Connection) -> None:
    """Act as the role from now to the end of the transaction."""
    await connection.execute(f"SET LOCAL ROLE {ROLE}")
