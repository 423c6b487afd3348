"""Alembic's entry point for every command: connects, takes the migration lock, migrates."""

import asyncio
from functools import partial

import asyncpg
from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from migrations import LockWait
from migrations.lock import acquire_lock
from shared.postgres.schema.tables import metadata
from shared.postgres.url import driver_url, parse_url

CONNECT_SECONDS = 10


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
    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=NullPool,
        # By asyncpg itself: SQLAlchemy does not know all options of a URL, for example sslmode.
        async_creator=partial(
            asyncpg.connect,
            driver_url(parse_url(attributes["url"], variable="the URL")),
            timeout=CONNECT_SECONDS,
            server_settings={"application_name": "sniper-migrate"},
        ),
    )
    async with engine.connect() as connection:
        lock_wait = attributes.get("lock_wait") or LockWait()
        await acquire_lock(connection, lock_wait)
        await connection.run_sync(_migrate, lock_wait.lock_seconds)
    await engine.dispose()


asyncio.run(_run())
