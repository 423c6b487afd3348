"""Run by alembic for every command: connects, takes the migration lock, migrates."""

import asyncio
from functools import partial

import asyncpg
from alembic import context
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.tables import metadata

MIGRATION_LOCK = 7_203_594_411
"""Any fixed number: processes that migrate at the same time take turns on it."""
CONNECT_SECONDS = 10


def _migrate(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
    connection.execute(text("SET lock_timeout = '10s'"))
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
    url = make_url(context.config.attributes["url"])
    # In the form that asyncpg reads: SQLAlchemy does not know all options of a URL, sslmode for one.
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        poolclass=NullPool,
        async_creator=partial(asyncpg.connect, plain, timeout=CONNECT_SECONDS),
    )
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


asyncio.run(_run())
