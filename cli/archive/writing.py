"""Write what is older than an age into an archive: day by day, each file whole, verified, and then in the manifest."""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import migrations
from cli.archive import day_file, manifest, stored, unnamed
from cli.archive.day_file import DamagedError
from cli.archive.formats import Format
from cli.archive.manifest import TABLES, DayFile, Manifest, Table
from shared.errors import SniperError
from shared.postgres.database import Connection, Database

LOCK: Final = ".lock"


@dataclass(frozen=True, slots=True)
class Written:
    """What a run did about one table and day."""

    file: DayFile
    fresh: bool
    """Whether this run wrote it; it was there already otherwise, and has been verified."""


async def write(database: Database, directory: Path, end: date, format_: Format = Format.JSONL) -> list[Written]:
    """Archive every day before *end*; raises SniperError, and a next run goes on where this one ended.

    A file that has all that there is of its day stays as it is, whatever its format.
    """
    with locked(directory):
        await unnamed.clear(database, directory)
        return [each for table in TABLES for each in await _write_table(database, directory, table, end, format_)]


async def _write_table(database: Database, directory: Path, table: Table, end: date, format_: Format) -> list[Written]:
    done: list[Written] = []
    day = await stored.next_day(database, table, None, end)
    while day is not None:
        done.append(await _write_day(database, directory, table, day, format_))
        day = await stored.next_day(database, table, day + timedelta(days=1), end)
    return done


async def _write_day(database: Database, directory: Path, table: Table, day: date, format_: Format) -> Written:
    before = manifest.read(directory)
    known = before.find(table, day)
    async with stored.told_in_utc(database) as connection:
        fresh = await stored.lines(connection, table, day)
        lines = fresh if known is None else await _with_what_was_there(connection, directory, known, fresh)
    if known is not None and lines is None:
        return Written(known, fresh=False)
    file = day_file.write(directory, table, day, lines or fresh, migrations.head(), format_)
    manifest.write(directory, before.holding(file))
    if known is not None and known.path != file.path:
        # Not before the manifest names the other: at each moment the file that it names is there.
        (directory / known.path).unlink(missing_ok=True)
    return Written(file, fresh=True)


async def _with_what_was_there(
    connection: Connection, directory: Path, known: DayFile, fresh: list[str]
) -> list[str] | None:
    """Return the rows of a day that was archived before, together with those of now; None where nothing is new.

    What was archived and has left the database since stays in the file.
    """
    now = day_file.rows(fresh)
    try:
        archived = day_file.rows(day_file.read(directory, known))
    except DamagedError:
        lacking = known.holds() - now.keys()
        if lacking - await stored.present(connection, known.table, sorted(lacking)):
            raise  # Only the file knew the others.
        return fresh
    if all(archived.get(each) == line for each, line in now.items()):
        return None
    return _in_order({**archived, **now})


def _in_order(lines: Mapping[int, str]) -> list[str]:
    return [lines[each] for each in sorted(lines)]


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Have the archive in *directory* to ourselves; raise SniperError where another run has it, or it cannot be."""
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


def verified(directory: Path) -> Manifest:
    """Return the manifest of an archive of which every file is as it says; raise DamagedError for the first other."""
    found = manifest.read(directory)
    if not found.files:
        raise SniperError(f"there is no archive in {directory}: {manifest.NAME} is missing or names no file")
    for file in found.files:
        day_file.read(directory, file)
    return found
