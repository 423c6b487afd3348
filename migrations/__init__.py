"""The schema's history, and how to move along it.

Every service looks up which revision it needs; only what moves along the history loads alembic.
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
    """A schema against that of this build."""

    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class LockWait:
    """How to wait for another migration."""

    wait_seconds: float = 60
    """How long for another migration to end."""
    lock_seconds: float = 10
    """How long for a table that another session holds."""
    stopped: Callable[[], bool] = lambda: False
    """Whether to end instead; heeded until the turn has come."""
    waiting: Callable[[str], None] = lambda _: None
    """Called once, with who migrates."""


def upgrade(url: str, revision: str = "head", *, lock_wait: LockWait | None = None) -> None:
    """Bring the database at *url* (``postgresql://`` or ``postgresql+asyncpg://``) up to *revision*.

    Blocks, and runs an event loop of its own: call it from a thread where one runs already.
    Safe to call from several processes at once; the later ones wait and find nothing to do.
    """
    from alembic import command

    config = configuration(url)
    if lock_wait is not None:
        config.attributes["lock_wait"] = lock_wait
    command.upgrade(config, revision)


def downgrade(url: str, revision: str) -> None:
    """Bring the database at *url* back to *revision*; ``base`` empties it."""
    from alembic import command

    command.downgrade(configuration(url), revision)


def check(url: str) -> None:
    """Raise alembic's CommandError where the database at *url* and `shared.postgres.schema.tables` differ."""
    from alembic import command

    command.check(configuration(url))


@cache
def _history() -> tuple[str, ...]:
    """Return every revision this build knows, the newest first; each file's name begins with its revision."""
    files = (Path(__file__).parent / "versions").glob("[0-9]*.py")
    return tuple(sorted((file.name.partition("_")[0] for file in files), reverse=True))


def head() -> str:
    """Return the revision that this build's tables describe."""
    if not _history():
        raise LookupError("no migrations found")
    return _history()[0]


def schema_age(revision: str | None) -> SchemaAge:
    """Return how a schema at *revision* (None: without any) stands to this build's: one it does not know is newer."""
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
