"""Write rows older than an age into an archive, day by day: each file is written, verified, and then named."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import migrations
from cli.archive import day_file, manifest, orphan_files, stored_rows
from cli.archive.day_file import DamagedError
from cli.archive.formats import Format
from cli.archive.manifest import TABLES, DayFile, Manifest, Table
from shared.errors import SniperError
from shared.postgres.database import Connection, Database

LOCK: Final = ".lock"


@dataclass(frozen=True, slots=True)
class WriteResult:
    """Outcome of a run for one table and day."""

    file: DayFile
    fresh: bool
    """Whether this run wrote it; otherwise it existed and was verified."""


async def write(database: Database, directory: Path, end: date, format_: Format = Format.JSONL) -> list[WriteResult]:
    """Archive every day before *end*; raises SniperError, after which the next run continues.

    A file with all rows of its day stays as it is, in either format.
    """
    with lock_archive(directory):
        await orphan_files.clear(database, directory)
        done: list[WriteResult] = []
        for table in TABLES:
            day = await stored_rows.next_day(database, table, None, end)
            while day is not None:
                done.append(await _write_day(database, directory, table, day, format_))
                day = await stored_rows.next_day(database, table, day + timedelta(days=1), end)
        return done


async def _write_day(database: Database, directory: Path, table: Table, day: date, format_: Format) -> WriteResult:
    before = manifest.read(directory)
    known = before.find(table, day)
    async with stored_rows.utc_transaction(database) as connection:
        fresh = await stored_rows.lines(connection, table, day)
        lines = fresh if known is None else await merge(connection, directory, known, fresh)
    if known is not None and lines is None:
        return WriteResult(known, fresh=False)
    file = day_file.write(directory, table, day, lines or fresh, migrations.head(), format_)
    manifest.write(directory, before.holding(file))
    if known is not None and known.path != file.path:
        # Only after the manifest names the new file: the file it names always exists.
        (directory / known.path).unlink(missing_ok=True)
    return WriteResult(file, fresh=True)


async def merge(connection: Connection, directory: Path, known: DayFile, fresh: list[str]) -> list[str] | None:
    """Merge the archived rows of a day with the current ones; None where nothing is new.

    Archived rows that have left the database since stay in the file.
    """
    now = day_file.rows(fresh)
    try:
        archived = day_file.rows(day_file.read(directory, known))
    except DamagedError:
        lacking = known.holds() - now.keys()
        if lacking - await stored_rows.present(connection, known.table, sorted(lacking)):
            raise  # The others were in the file only.
        return fresh
    if all(archived.get(each) == line for each, line in now.items()):
        return None
    return [line for _, line in sorted({**archived, **now}.items())]


@contextmanager
def lock_archive(directory: Path) -> Iterator[None]:
    """Lock the archive in *directory*; raise SniperError if another run holds it or it is not writable."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = (directory / LOCK).open("w")
    except OSError as error:
        raise SniperError(f"{directory} cannot be written to: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SniperError(f"another run is at work in {directory}: wait for its end") from None
        try:
            yield
        except OSError as error:
            raise SniperError(f"{directory}: {error.strerror}: make room, and run it again") from None


def verify_archive(directory: Path) -> Manifest:
    """Verify every file of an archive and return its manifest; raise DamagedError for the first mismatch."""
    found = manifest.read(directory)
    if not found.files:
        raise SniperError(f"there is no archive in {directory}: {manifest.NAME} is missing or names no file")
    for file in found.files:
        day_file.read(directory, file)
    return found
