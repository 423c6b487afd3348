"""The schema of the database against that of this build: brought up to date, waited for, and watched."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import asyncpg
import structlog
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

import migrations
from migrations import LockWait, SchemaAge
from shared.errors import SchemaError, SettingsError, SniperError, TransientError
from shared.postgres.database import Database
from shared.postgres.refusals import first_line, missing_right
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


async def upgrade(opened: Database, url: URL, settings: DatabaseSettings, stop: asyncio.Event) -> None:
    """Bring the schema up to date; raise SniperError in one sentence where that cannot be.

    A stop is heeded as long as nothing has begun.
    """
    role = await _require_migratable(opened)
    loop = asyncio.get_running_loop()

    def waiting(holder: str) -> None:
        loop.call_soon_threadsafe(_log_waiting, holder)

    lock_wait = LockWait(settings.migration_wait_seconds, settings.migration_lock_seconds, stop.is_set, waiting)
    with _in_one_sentence(role, settings.migration_lock_seconds):
        await asyncio.to_thread(migrations.upgrade, url.render_as_string(hide_password=False), lock_wait=lock_wait)


def _log_waiting(holder: str) -> None:
    log.warning("waiting for another migration to end", holder=holder)


async def _require_migratable(opened: Database) -> str:
    """Return the role that migrates; raise SettingsError where it may not, or where a newer build was here."""
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
    """Put what PostgreSQL says about a migration into one sentence."""
    from alembic.util import CommandError  # noqa: PLC0415 - loaded by what migrates, and by nothing else

    try:
        yield
    except CommandError as error:
        raise SniperError(f"the schema cannot be migrated: {error}") from None
    except DBAPIError as error:
        driver = error.orig.__cause__ if error.orig is not None else None
        if isinstance(driver, asyncpg.LockNotAvailableError):
            raise _locked(error.statement or "", lock_seconds) from None
        raise _explained(driver or error, role) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise _explained(error, role) from None


def _explained(error: BaseException, role: str) -> SniperError:
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return SettingsError(f"the schema cannot be migrated: {missing_right(error, role)}")
    return SniperError(f"the schema cannot be migrated: {type(error).__name__}: {first_line(error)}")


def _locked(statement: str, seconds: float) -> SniperError:
    shown = " ".join(statement.split())[:STATEMENT_CHARACTERS_MAX]
    return SniperError(
        f"the schema cannot be migrated now: another session holds a lock that this needs, {shown}, and kept it for "
        f"{seconds:g} s: end that session, or stop the services, and run `sniper migrate` again"
    )


async def available(opened: Database, stop: asyncio.Event) -> None:
    """Return once the schema is that of this build; raise SettingsError where it never will be."""
    await when_available("schema", lambda: require(opened), stop)


async def require(opened: Database) -> None:
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
        f"or have it take the schema back"
    )


@asynccontextmanager
async def mismatch_in_one_sentence(opened: Database) -> AsyncIterator[None]:
    """Translate what a command meets in tables of another build into which of the two is the older."""
    try:
        yield
    except (SchemaError, asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        found = await _found(opened)
        raise SniperError(_newer(found) if migrations.schema_age(found) is SchemaAge.NEWER else NO_SCHEMA) from None


class Watch:
    """Whether the schema is still one that this build can work with, as of the last look."""

    fits = True


@asynccontextmanager
async def watched(opened: Database) -> AsyncIterator[Watch]:
    """Look every few seconds whether the schema was taken back beneath us, and say so."""
    watch = Watch()

    async def look() -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await _look(opened, watch)

    looking = asyncio.create_task(look(), name="schema-watch")
    try:
        yield watch
    finally:
        looking.cancel()
        await asyncio.wait([looking])


async def _look(opened: Database, watch: Watch) -> None:
    try:
        async with asyncio.timeout(LOOK_SECONDS_MAX):
            found = await _found(opened)
    except SchemaError:
        found = None
    except (TransientError, TimeoutError):
        return  # Whether the database is there is looked at elsewhere.
    fits = migrations.schema_age(found) is not SchemaAge.OLDER
    if fits != watch.fits:
        if fits:
            log.warning("the schema is that of this build again", schema=found)
        else:
            log.error("the schema was taken back beneath this process, which is not ready", reason=_older(found))
    watch.fits = fits
