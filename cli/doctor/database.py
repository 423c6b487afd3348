"""Checks of the database: reachable, with this build's schema and the role's rights, and the limits stored in it."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from cli import command_runner
from cli.database import rights, schema
from cli.doctor.finding import Finding, not_examined, note, setting, well, wrong
from cli.doctor.limits import LIMITS, limits_findings
from cli.operating import status as statuses
from shared.errors import SettingsError, SniperError, TransientError
from shared.postgres.database import Database
from shared.postgres.error_translation import first_line

REACHABLE: Final = "database"
REST: Final = ("database role", "database schema", *LIMITS)
ROLE: Final = """
    SELECT current_user AS role, pg_is_in_recovery() AS standby, current_setting('server_version') AS version,
           current_setting('transaction_read_only') = 'on' AS read_only
"""


async def check(names: Sequence[str]) -> list[Finding]:
    """Return the findings on the database for these services, and on the limits in it."""
    try:
        async with command_runner.database() as opened:
            return await _inside(opened, names)
    except SettingsError as error:
        return [setting(REACHABLE, str(error)), *not_examined(REST, "the database is not reached")]
    except (SniperError, asyncpg.PostgresError, OSError) as error:
        told = str(error).removeprefix("database away: ")
        known = "SNIPER_DATABASE_URL" in told
        advice = "" if known else "start it, and compare host, port and name in SNIPER_DATABASE_URL"
        return [wrong(REACHABLE, told, advice), *not_examined(REST, "the database is not reached")]


async def _inside(opened: Database, names: Sequence[str]) -> list[Finding]:
    async with opened.connection() as connection:
        row = await connection.fetchrow(ROLE)
    if row is None:
        raise TransientError("no answer")
    reachable = well(REACHABLE, f"PostgreSQL {row['version']} answers")
    refusing = None
    if row["standby"] or row["read_only"]:
        kind = "a standby, which takes no writes" if row["standby"] else "read-only"
        told = f"{row['role']}: the server is {kind}"
        refusing = wrong(REST[0], told, "name the primary in SNIPER_DATABASE_URL")
    try:
        await schema.require(opened)
    except (SettingsError, TransientError) as error:
        role = refusing or note(REST[0], "not looked at: the schema is not ours")
        judge = setting if isinstance(error, SettingsError) else wrong
        return [reachable, role, judge(REST[1], str(error)), *not_examined(LIMITS, "the schema is not ours")]
    found = [reachable, refusing or await judge_role(opened, row["role"], names), well(REST[1], "that of this build")]
    try:
        return [*found, *limits_findings(await statuses.gather(opened))]
    except (TransientError, asyncpg.PostgresError) as error:
        return [*found, *not_examined(LIMITS, f"this role may not read them ({first_line(error)})")]


async def judge_role(opened: Database, role: str, names: Sequence[str]) -> Finding:
    """Compare the role's rights with those of each service's own role."""
    try:
        await rights.require(opened, names)
    except TransientError as error:
        told, _, advice = str(error).partition(": ")
        return wrong(REST[0], told, advice)
    return well(REST[0], f"{role} may do all that {', '.join(names)} do")
