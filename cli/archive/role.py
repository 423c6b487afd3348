"""The one role that may take archived rows away and bring them back. Whoever acts as it does so on purpose."""

from typing import Final

import asyncpg

from shared.database import Connection, Database
from shared.errors import SettingsError

ROLE: Final = "sniper_archive"
"""Known to the triggers of revision 036, too."""
GRANTS: Final = (
    f"GRANT SELECT, INSERT, DELETE ON listings, trades TO {ROLE}",
    f"GRANT SELECT ON positions, orders, alembic_version TO {ROLE}",
    f"GRANT SELECT, UPDATE ON SEQUENCE listings_id_seq, trades_id_seq TO {ROLE}",
)
_STANDING: Final = f"""
    SELECT current_user AS role, EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') AS made,
        coalesce((SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = '{ROLE}'), false)
            AS may,
        coalesce((
            SELECT bool_and(has_table_privilege(oid, name, 'SELECT') AND has_table_privilege(oid, name, 'INSERT')
                AND has_table_privilege(oid, name, 'DELETE'))
            FROM pg_roles, unnest(ARRAY['listings', 'trades']) AS name WHERE rolname = '{ROLE}'
        ), false) AS granted
"""  # noqa: S608 - constants


async def ensure(database: Database) -> None:
    """Make the role where it is missing and we may; raise SettingsError with the statements where we may not."""
    async with database.connection() as connection:
        standing = await connection.fetchrow(_STANDING)
    if standing is None or (standing["may"] and standing["granted"]):
        return
    statements = [] if standing["made"] else [f"CREATE ROLE {ROLE} LOGIN"]
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
