"""The schema's history, and how to move along it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at *url* (``postgresql://`` or ``postgresql+asyncpg://``) up to *revision*.

    Blocks, and runs an event loop of its own: call it from a thread where one runs already.
    Safe to call from several processes at once; the later ones wait and find nothing to do.
    """
    command.upgrade(configuration(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Bring the database at *url* back to *revision*; ``base`` empties it."""
    command.downgrade(configuration(url), revision)


def check(url: str) -> None:
    """Raise alembic's CommandError where the database at *url* and `shared.tables` differ."""
    command.check(configuration(url))


def head() -> str:
    """Return the revision that this build's tables describe."""
    revision = ScriptDirectory.from_config(configuration("")).get_current_head()
    if revision is None:
        raise LookupError("no migrations found")
    return revision


def configuration(url: str) -> Config:
    """Return alembic's configuration for the database at *url*."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = url
    return config
