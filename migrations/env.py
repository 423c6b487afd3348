"""Alembic's entry point for every command: connects, takes the migration lock, migrates."""

import asyncio
from functools import partial

import asyncpg
from alembic import context
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from migrations import LockWait
from shared.errors import SniperError
from shared.postgres.schema.tables import metadata
from shared.postgres.url import driver_url

MIGRATION_LOCK = 7_203_594_411
"""Key of the advisory lock: any fixed number."""
CONNECT_SECONDS = 10
LOOK_SECONDS = 0.1
HOLDER = """
    SELECT format('process %s of the server (%s, since %s)', pid, coalesce(nullif(application_name, ''), usename),
                  to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS UTC'))
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pid <> pg_backend_pid()
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (classid::bigint << 32) | objid::bigint = :lock
"""


async def _acquire_lock(connection: AsyncConnection, lock_wait: LockWait) -> None:
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


def _migrate(connection: Connection, lock_seconds: float) -> None:
    connection.execute(text(f"SET lock_timeout = {int(lock_seconds * 1000)}"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        compare_type=True,
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _run() -> None:
    attributes = context.config.attributes
    url = make_url(attributes["url"]).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(
        url,
        poolclass=NullPool,
        # In asyncpg's form: SQLAlchemy does not know all options of a URL, for example sslmode.
        async_creator=partial(
            asyncpg.connect,
            driver_url(url),
            timeout=CONNECT_SECONDS,
            server_settings={"application_name": "sniper-migrate"},
        ),
    )
    async with engine.connect() as connection:
        lock_wait = attributes.get("lock_wait") or LockWait()
        await _acquire_lock(connection, lock_wait)
        await connection.run_sync(_migrate, lock_wait.lock_seconds)
    await engine.dispose()


asyncio.run(_run())
