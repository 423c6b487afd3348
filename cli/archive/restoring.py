"""Restore archived rows that the database lacks: the same rows, under the same ids."""

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cli.archive import day_file, role, stored_rows
from cli.archive.manifest import TABLES, DayFile
from cli.archive.writing import lock_archive, verify_archive
from shared.errors import SniperError
from shared.postgres.database import Connection, Database
from shared.postgres.schema.tables import metadata

_KNOWN: Final = """
    SELECT stored.id, row_to_json(stored)::text AS line FROM {table} AS stored WHERE id = ANY($1::bigint[])
"""
_INSERT: Final = """
    INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE
    SELECT {columns} FROM json_populate_recordset(NULL::{table}, $1::text::json)
    ON CONFLICT DO NOTHING RETURNING id
"""
_BEHIND: Final = "SELECT last_value < $1 FROM {table}_id_seq"
_ALONE: Final = "LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"
_SEQUENCE: Final = "SELECT setval('{table}_id_seq', greatest(last_value, $1)) FROM {table}_id_seq"


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """Counts of one file's rows by outcome."""

    file: DayFile
    restored: int
    present: int
    """Already in the database, unchanged."""
    different: int
    """In the database with other values, or under other ids: left as they are."""
    moved: int
    """The file of a later day has their newer state, and restores them."""


async def restore(database: Database, directory: Path) -> list[RestoreResult]:
    """Restore every row of the archive in *directory* that the database lacks, after verifying every file."""
    with lock_archive(directory):
        found = verify_archive(directory)
        await role.ensure_role(database)
        files = [file for table in TABLES for file in found.of(table)]
        return [await _restore_file(database, directory, file, found.moved(file)) for file in files]


async def _restore_file(database: Database, directory: Path, file: DayFile, moved: AbstractSet[int]) -> RestoreResult:
    archived = day_file.rows(day_file.read(directory, file))
    total = RestoreResult(file, 0, 0, 0, len(moved))
    for batch in stored_rows.batches([each for each in archived if each not in moved]):
        async with stored_rows.utc_transaction(database) as connection:
            one = await restore_batch(connection, file, {each: archived[each] for each in batch})
        total = RestoreResult(
            file,
            total.restored + one.restored,
            total.present + one.present,
            total.different + one.different,
            total.moved,
        )
    return total


async def restore_batch(connection: Connection, file: DayFile, archived: Mapping[int, str]) -> RestoreResult:
    """Insert the *archived* rows that are missing, in the transaction of *connection*; raise SniperError to undo it."""
    await role.assume(connection)
    before = await _rows(connection, file, list(archived))
    missing = {each: line for each, line in archived.items() if each not in before}
    # The table's next id comes after the restored ones; the lock keeps others from taking one meanwhile.
    if missing and await connection.fetchval(_BEHIND.format(table=file.table), max(missing)):
        await connection.execute(_ALONE.format(table=file.table))
        await connection.execute(_SEQUENCE.format(table=file.table), max(missing))
    inserted: set[int] = set()
    for lines in by_columns(missing.values()):
        inserted |= await insert_lines(connection, file, lines)
    now = await _rows(connection, file, list(inserted))
    for each in inserted:
        if each not in now or not same(missing[each], now[each]):  # Rolls back the inserts.
            raise SniperError(f"{file.path}: row {each} does not come back as it was archived: nothing was restored")
    present = sum(same(archived[each], line) for each, line in before.items())
    return RestoreResult(file, len(inserted), present, len(archived) - len(inserted) - present, 0)


def by_columns(lines: Iterable[str]) -> Iterable[list[str]]:
    """Group *lines* by their columns: one file may hold rows of two schemas."""
    found: dict[tuple[str, ...], list[str]] = {}
    for line in lines:
        found.setdefault(tuple(json.loads(line)), []).append(line)
    return found.values()


async def _rows(connection: Connection, file: DayFile, ids: Sequence[int]) -> Mapping[int, str]:
    found = await connection.fetch(_KNOWN.format(table=file.table), list(ids))
    return {row["id"]: row["line"] for row in found}


async def insert_lines(connection: Connection, file: DayFile, lines: Sequence[str]) -> set[int]:
    """Insert rows with the same columns; return the ids of those that were missing."""
    names = list(json.loads(lines[0]))
    unknown = set(names) - set(metadata.tables[file.table].columns.keys())
    if unknown:
        raise SniperError(
            f"{file.path} was written at schema {file.revision} and has {', '.join(sorted(unknown))}, which this "
            "database does not: run `sniper migrate` of a newer build first"
        )
    columns = ", ".join(f'"{name}"' for name in names)
    query = _INSERT.format(table=file.table, columns=columns)
    return {row["id"] for row in await connection.fetch(query, f"[{','.join(lines)}]")}


def same(archived: str, stored_line: str) -> bool:
    """Return whether a stored row is the archived one; columns added to the table since are ignored."""
    if archived == stored_line:
        return True
    was, now = _values(archived), _values(stored_line)
    return set(was) < set(now) and all(now[name] == value for name, value in was.items())


def _values(line: str) -> Mapping[str, Any]:
    """Return a row's values, with numbers as text, so that 1.0 differs from 1.00."""
    row: Mapping[str, Any] = json.loads(line, parse_float=str, parse_int=str)
    return row
