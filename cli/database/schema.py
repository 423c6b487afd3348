"""The database's schema against that of this build: upgrade, wait, and watch."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Final

import asyncpg
import structlog

import migrations
from migrations import LockWait, SchemaAge
from shared.errors import SchemaError, SettingsError, SniperError, TransientError
from shared.postgres.database import Database
from shared.postgres.error_translation import first_line, missing_right
from shared.postgres.postgres_url import PostgresUrl
from shared.process.lifecycle import when_available
from shared.settings import DatabaseSettings

log = structlog.get_logger()

NO_SCHEMA: Final = "the database has no schema, or an older one: run `sniper migrate`"
QUERY: Final = "SELECT version_num FROM alembic_version"
WATCH_SECONDS: Final = 2.0
LOOK_SECONDS_MAX: Final = 2.0
STATEMENT_CHARACTERS_MAX: Final = 80
ROLE_QUERY: Final = """
    SELECT current_user AS role, current_schema() AS schema,
           coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create
"""


async def upgrade(opened: Database, url: PostgresUrl, settings: DatabaseSettings, stop: asyncio.Event) -> None:
    """Upgrade the schema; raise SniperError in one sentence if that fails.

    A stop is honoured until the first migration begins.
    """
    role = await _require_migratable(opened)
    loop = asyncio.get_running_loop()

    def waiting(holder: str) -> None:
        loop.call_soon_threadsafe(partial(log.warning, "waiting for another migration to end", holder=holder))

    lock_wait = LockWait(settings.migration_wait_seconds, settings.migration_lock_seconds, stop.is_set, waiting)
    with _in_one_sentence(role, settings.migration_lock_seconds):
        await asyncio.to_thread(migrations.upgrade, url.render(), lock_wait=lock_wait)


async def _require_migratable(opened: Database) -> str:
    """Return the role that migrates; raise SettingsError if it may not, SniperError if the schema is newer."""
    found = await _found(opened)
    if migrations.schema_age(found) is SchemaAge.NEWER:
        raise SniperError(f"the schema cannot be migrated: {_newer(found)}")
    async with opened.connection() as connection:
        row = await connection.fetchrow(ROLE_QUERY)
    if row is None:
        raise TransientError("database away: no answer")
    role, name, current = row["role"], row["schema"], migrations.schema_age(found) is SchemaAge.CURRENT
    if name is None:
        raise SettingsError(f'role "{role}" has no schema to make tables in: GRANT USAGE ON SCHEMA public TO "{role}"')
    if not row["may_create"] and not current:
        right = f'GRANT CREATE ON SCHEMA {name} TO "{role}"'
        raise SettingsError(f'role "{role}" lacks the right to create tables in the schema {name}: {right}')
    return str(role)


@contextmanager
def _in_one_sentence(role: str, lock_seconds: float) -> Iterator[None]:
    """Translate errors of a migration into one sentence."""
    # Loaded only to migrate.
    from alembic.util import CommandError  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    try:
        yield
    except CommandError as error:
        raise SniperError(f"the schema cannot be migrated: {error}") from None
    except DBAPIError as error:
        driver = error.orig.__cause__ if error.orig is not None else None
        if isinstance(driver, asyncpg.LockNotAvailableError):
            shown = " ".join((error.statement or "").split())[:STATEMENT_CHARACTERS_MAX]
            raise SniperError(
                f"the schema cannot be migrated now: another session holds a lock that this needs, {shown}, and kept "
                f"it for {lock_seconds:g} s: end that session, or stop the services, and run `sniper migrate` again"
            ) from None
        raise _explained(driver or error, role) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise _explained(error, role) from None


def _explained(error: BaseException, role: str) -> SniperError:
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return SettingsError(f"the schema cannot be migrated: {missing_right(error, role)}")
    return SniperError(f"the schema cannot be migrated: {type(error).__name__}: {first_line(error)}")


async def wait_until_current(opened: Database, stop: asyncio.Event) -> None:
    """Wait until the schema is that of this build; raise SettingsError if it never will be."""
    await when_available("schema", lambda: require(opened), stop)


async def require(opened: Database) -> None:
    """Raise TransientError for an older schema, SettingsError for a newer or unreadable one."""
    try:
        found = await _found(opened)
    except TransientError as error:
        if isinstance(error.__cause__, asyncpg.InsufficientPrivilegeError):
            words = "the role we sign in as may not read the tables"
            raise SettingsError(f"{words} ({first_line(error.__cause__)}): {RIGHTS}") from None
        raise
    match migrations.schema_age(found):
        case SchemaAge.NEWER:
            raise SettingsError(_newer(found))
        case SchemaAge.OLDER:
            raise TransientError(_older(found))
        case SchemaAge.CURRENT:
            return


RIGHTS: Final = "sign in as the service's own role, and let the owner of the tables run `sniper migrate --roles`"


async def _found(opened: Database) -> str | None:
    """Return the revision of the schema; None where there is none."""
    async with opened.connection() as connection:
        try:
            revision = await connection.fetchval(QUERY)
        except asyncpg.UndefinedTableError:
            return None
    return None if revision is None else str(revision)


def _older(found: str | None) -> str:
    return f"schema is at {found or 'nothing'}, this build needs {migrations.head()}: run `sniper migrate`"


def _newer(found: str | None) -> str:
    return (
        f"schema is at {found}, made by a newer build than this one, which needs {migrations.head()}: run that build, "
        f"or restore a backup from before it migrated"
    )


@asynccontextmanager
async def explained_mismatch(opened: Database) -> AsyncIterator[None]:
    """Translate a command's errors on another build's tables into the version mismatch."""
    try:
        yield
    except (SchemaError, asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        found = await _found(opened)
        raise SniperError(_newer(found) if migrations.schema_age(found) is SchemaAge.NEWER else NO_SCHEMA) from None


class SchemaWatch:
    """Whether the schema fits this build, as of the last check."""

    fits = True

    async def look(self, opened: Database) -> None:
        """Compare the schema once, and log a change; an unreachable database changes nothing."""
        try:
            async with asyncio.timeout(LOOK_SECONDS_MAX):
                found = await _found(opened)
        except SchemaError:
            found = None
        except (TransientError, TimeoutError):
            return  # The database's availability is watched elsewhere.
        fits = migrations.schema_age(found) is not SchemaAge.OLDER
        if fits != self.fits:
            if fits:
                log.warning("the schema is that of this build again", schema=found)
            else:
                log.error("the schema was taken back beneath this process, which is not ready", reason=_older(found))
        self.fits = fits


@asynccontextmanager
async def watch_schema(opened: Database) -> AsyncIterator[SchemaWatch]:
    """Check every few seconds whether the schema was downgraded meanwhile, and log it."""
    watch = SchemaWatch()

    async def keep_looking() -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await watch.look(opened)
            except Exception:
                # Otherwise what was found last would stand for ever.
                log.exception("the schema was not compared")

    looking = asyncio.create_task(keep_looking(), name="schema-watch")
    try:
        yield watch
    finally:
        looking.cancel()
        await asyncio.wait([looking])
