"""State file of the exchange: rows of JSON in SQLite, saved one transaction at a time.

SQLite because a row must be durable before a request is answered, and a process may be killed at any moment.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from simulator.dirty_rows import RowKind

VERSION: Final = 1
LOCK_SECONDS: Final = 5.0
"""Time to wait for an earlier process that is ending."""
_APPLICATION: Final = 0x534E4950
_BROKEN: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_COMPANIONS: Final = ("", "-wal", "-journal")
_ROWS: Final = "CREATE TABLE rows (kind TEXT, key TEXT, body BLOB NOT NULL, PRIMARY KEY (kind, key))"
_PUT: Final = "INSERT INTO rows VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"


class StateError(Exception):
    """The state cannot be read or saved; the message is one sentence."""


class UnreadableError(StateError):
    """The file is broken, or of another version."""


class StateFile:
    """An open file, locked against other processes."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    def rows(self, kind: RowKind) -> Iterator[tuple[str, bytes]]:
        """Yield key and body of each row of *kind*, in the order they were first saved."""
        with _in_one_sentence(self._path):
            yield from self._connection.execute("SELECT key, body FROM rows WHERE kind = ? ORDER BY rowid", (kind,))

    def save(self, rows: Iterable[tuple[RowKind, str, bytes | None]]) -> None:
        """Write all of *rows* or none, to the disk; a body of None deletes. Raises StateError."""
        with _in_one_sentence(self._path), self._connection:
            self._connection.execute("BEGIN")
            for kind, key, body in rows:
                if body is None:
                    self._connection.execute("DELETE FROM rows WHERE kind = ? AND key = ?", (kind, key))
                else:
                    self._connection.execute(_PUT, (kind, key, body))

    def close(self) -> None:
        self._connection.close()


def open_state(path: Path) -> StateFile:
    """Open the file at *path*, or create it.

    Raises UnreadableError for a file to set aside, and StateError for any other failure.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"{path}: cannot be made: {error.strerror}") from None
    with _in_one_sentence(path):
        connection = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return StateFile(path, connection)


def set_aside(path: Path) -> Path:
    """Rename the file at *path* and its companions; return its new, unused name."""
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    names = (
        path.with_name(f"{path.name}.{stamp}{suffix}") for suffix in ("", *(f"-{each}" for each in range(1, 1_000)))
    )
    kept = next(name for name in names if not name.exists())
    for companion in _COMPANIONS:
        if (source := path.with_name(path.name + companion)).exists():
            source.rename(kept.with_name(kept.name + companion))
    return kept


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Lock the file, and check that it is ours, intact and of this version."""
    for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")
    if _pragma(connection, "quick_check") != "ok":
        raise UnreadableError(f"{path}: is broken")
    application, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    is_new = (application, version) == (0, 0) and not connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    if is_new:
        connection.execute("BEGIN")
        connection.execute(_ROWS)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    elif application != _APPLICATION:
        raise StateError(f"{path}: is a database of another program")
    elif version != VERSION:
        raise UnreadableError(f"{path}: is of version {version}, and this is version {VERSION}")


def _pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


@contextmanager
def _in_one_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _BROKEN:
            raise UnreadableError(f"{path}: is broken ({error})") from None
        if code == sqlite3.SQLITE_BUSY:
            raise StateError(f"{path}: another simulator uses it") from None
        raise StateError(f"{path}: {error}") from None
