"""History of the schema, and migrations along it.

Every service looks up the revision it needs; only migrations load alembic.
"""
# ruff: noqa: PLC0415

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config


class SchemaAge(Enum):
    """Age of a schema relative to that of this build."""

    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class LockWait:
    """Waiting for another migration."""

    wait_seconds: float = 60
    """Timeout for another migration to end."""
    lock_seconds: float = 10
    """Timeout for a table that another session locks."""
    stopped: Callable[[], bool] = lambda: False
    """Whether to stop waiting; ignored once the lock is held."""
    waiting: Callable[[str], None] = lambda _: None
    """Called once, with the session that migrates."""


def upgrade(url: str, revision: str = "head", *, lock_wait: LockWait | None = None) -> None:
    """Migrate the database at *url* (``postgresql://`` or ``postgresql+asyncpg://``) up to *revision*.

    Blocks, and runs an event loop of its own: call it from a thread where a loop runs already.
    Safe to call from several processes at once; later ones wait and find nothing to do.
    """
    from alembic import command

    config = configuration(url)
    if lock_wait is not None:
        config.attributes["lock_wait"] = lock_wait
    command.upgrade(config, revision)


def downgrade(url: str, revision: str) -> None:
    """Migrate the database at *url* back to *revision*; ``base`` empties it."""
    from alembic import command

    command.downgrade(configuration(url), revision)


def check(url: str) -> None:
    """Raise alembic's CommandError where the database at *url* and `shared.postgres.schema.tables` differ."""
    from alembic import command

    command.check(configuration(url))


@cache
def _history() -> tuple[str, ...]:
    """Return every revision of this build, newest first; the name of each file begins with its revision."""
    files = (Path(__file__).parent / "versions").glob("[0-9]*.py")
    return tuple(sorted((file.name.partition("_")[0] for file in files), reverse=True))


def head() -> str:
    """Return the revision that this build's tables describe."""
    if not _history():
        raise LookupError("no migrations found")
    return _history()[0]


def schema_age(revision: str | None) -> SchemaAge:
    """Return the age of a schema at *revision* (None: without any); an unknown revision is newer."""
    if revision == head():
        return SchemaAge.CURRENT
    return SchemaAge.OLDER if revision is None or revision in _history() else SchemaAge.NEWER


def configuration(url: str) -> "Config":
    """Return alembic's configuration for the database at *url*."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = url
    return config
