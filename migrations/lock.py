"""Advisory lock that migrations of one database take in turn."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from migrations import LockWait
from shared.errors import SniperError

MIGRATION_LOCK = 7_203_594_411
"""Key of the advisory lock: any fixed number."""
LOOK_SECONDS = 0.1
HOLDER = """
    SELECT format('process %s of the server (%s, since %s)', pid, coalesce(nullif(application_name, ''), usename),
                  to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS UTC'))
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pid <> pg_backend_pid()
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (classid::bigint << 32) | objid::bigint = :lock
"""


async def acquire_lock(connection: AsyncConnection, lock_wait: LockWait) -> None:
    """Return once the lock is held; raise SniperError where it is not free in time, or when stopped."""
    loop = asyncio.get_running_loop()
    deadline, holder = loop.time() + lock_wait.wait_seconds, ""
    while not lock_wait.stopped():
        if await connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK}):
            return
        if not holder:
            holder = str(
                await connection.scalar(text(HOLDER), {"lock": MIGRATION_LOCK}) or "a session that has just ended"
            )
            lock_wait.waiting(holder)
        await connection.commit()
        if loop.time() >= deadline:
            waited = f"another migration is under way, by {holder}, and did not end in {lock_wait.wait_seconds:g} s"
            raise SniperError(f"{waited}: wait for it or end it, and run `sniper migrate` again")
        await asyncio.sleep(LOOK_SECONDS)
    raise SniperError("stopped before anything was migrated")
