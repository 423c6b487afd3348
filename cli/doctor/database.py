"""The database: there, writable under the role we sign in as, and of this build's schema; and the limits kept in it."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from cli import operate, schema
from cli import status as statuses
from cli.doctor.finding import Finding, setting, unseen, well, wrong
from cli.doctor.limits import LIMITS, judged
from cli.doctor.needs import needs_of
from shared.database import Database
from shared.database_refusals import first_line
from shared.errors import SettingsError, SniperError, TransientError

REACHABLE: Final = "database"
REST: Final = ("database role", "database schema", *LIMITS)
ROLE: Final = """
    SELECT current_user AS role, pg_is_in_recovery() AS standby, current_setting('server_version') AS version,
           current_setting('transaction_read_only') = 'on' AS read_only
"""
LACKING: Final = """
    SELECT name FROM unnest($1::text[]) AS name
    WHERE to_regclass(quote_ident(name)) IS NOT NULL
      AND NOT (has_table_privilege(quote_ident(name), 'INSERT') AND has_table_privilege(quote_ident(name), 'SELECT'))
"""


async def look(names: Sequence[str]) -> list[Finding]:
    """Return what was found of the database for the services of these names, and of the limits in it."""
    try:
        async with operate.database() as opened:
            return await _inside(opened, names)
    except SettingsError as error:
        return [setting(REACHABLE, str(error)), *unseen(REST, "the database is not reached")]
    except (SniperError, asyncpg.PostgresError, OSError) as error:
        told = str(error).removeprefix("database away: ")
        return [wrong(REACHABLE, told, _advice(told)), *unseen(REST, "the database is not reached")]


def _advice(told: str) -> str:
    known = "SNIPER_DATABASE_URL" in told
    return "" if known else "start it, and compare host, port and name in SNIPER_DATABASE_URL"


async def _inside(opened: Database, names: Sequence[str]) -> list[Finding]:
    async with opened.connection() as connection:
        row = await connection.fetchrow(ROLE)
    if row is None:
        raise TransientError("no answer")
    reachable = well(REACHABLE, f"PostgreSQL {row['version']} answers")
    role = await _role(opened, row, names)
    try:
        await schema.require(opened)
    except SettingsError as error:
        return [reachable, role, setting(REST[1], str(error)), *unseen(LIMITS, "the schema is not ours")]
    except TransientError as error:
        return [reachable, role, wrong(REST[1], str(error)), *unseen(LIMITS, "the schema is not ours")]
    found = [reachable, role, well(REST[1], "that of this build")]
    try:
        return [*found, *judged(await statuses.gather(opened))]
    except (TransientError, asyncpg.PostgresError) as error:
        return [*found, *unseen(LIMITS, f"this role may not read them ({first_line(error)})")]


async def _role(opened: Database, row: asyncpg.Record, names: Sequence[str]) -> Finding:
    role = row["role"]
    if row["standby"] or row["read_only"]:
        what = "a standby, which takes no writes" if row["standby"] else "read-only"
        return wrong(REST[0], f"{role}: the server is {what}", "name the primary in SNIPER_DATABASE_URL")
    async with opened.connection() as connection:
        lacking = [each["name"] for each in await connection.fetch(LACKING, list(needs_of(names).writes))]
    if lacking:
        grant = f'GRANT SELECT, INSERT, UPDATE, DELETE ON {", ".join(lacking)} TO "{role}"'
        return wrong(REST[0], f"{role} may not write {', '.join(lacking)}", grant)
    return well(REST[0], f"{role} may write all that {', '.join(names)} write")
