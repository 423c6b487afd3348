"""Bring back what an archive holds and the database does not: the same rows, under the same ids."""

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cli.archive import day_file, role, stored
from cli.archive.manifest import TABLES, DayFile
from cli.archive.writing import locked, verified
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
class Restored:
    """What became of one file's rows."""

    file: DayFile
    restored: int
    present: int
    """Were in the database already, the same."""
    different: int
    """Are in the database with other values, or under other ids: they stay as they are."""
    moved: int
    """The file of a later day tells what became of them, and brings them back."""


async def restore(database: Database, directory: Path) -> list[Restored]:
    """Bring back every row of the archive in *directory* that the database lacks; every file is verified first."""
    with locked(directory):
        found = verified(directory)
        await role.ensure(database)
        files = [file for table in TABLES for file in found.of(table)]
        return [await _restore_file(database, directory, file, found.moved(file)) for file in files]


async def _restore_file(database: Database, directory: Path, file: DayFile, moved: AbstractSet[int]) -> Restored:
    archived = day_file.rows(day_file.read(directory, file))
    total = Restored(file, 0, 0, 0, len(moved))
    for batch in stored.batches([each for each in archived if each not in moved]):
        async with stored.told_in_utc(database) as connection:
            one = await _restore_batch(connection, file, {each: archived[each] for each in batch})
        total = Restored(
            file,
            total.restored + one.restored,
            total.present + one.present,
            total.different + one.different,
            total.moved,
        )
    return total


async def _restore_batch(connection: Connection, file: DayFile, archived: Mapping[int, str]) -> Restored:
    await role.act(connection)
    before = await _rows(connection, file, list(archived))
    missing = {each: line for each, line in archived.items() if each not in before}
    if missing:
        await _go_on_after(connection, file, max(missing))
    inserted: set[int] = set()
    for lines in _by_columns(missing.values()):
        inserted |= await _insert(connection, file, lines)
    came = {each: missing[each] for each in inserted}
    _require_same(file, came, await _rows(connection, file, list(came)))
    present = sum(same(archived[each], line) for each, line in before.items())
    return Restored(file, len(came), present, len(archived) - len(came) - present, 0)


async def _go_on_after(connection: Connection, file: DayFile, last: int) -> None:
    """Let the next row of the table have an id after *last*; nobody takes an id meanwhile."""
    if await connection.fetchval(_BEHIND.format(table=file.table), last):
        await connection.execute(_ALONE.format(table=file.table))
        await connection.execute(_SEQUENCE.format(table=file.table), last)


def _by_columns(lines: Iterable[str]) -> Iterable[list[str]]:
    """Return *lines* by the columns that they have: one file may hold rows of two schemas."""
    found: dict[tuple[str, ...], list[str]] = {}
    for line in lines:
        found.setdefault(tuple(json.loads(line)), []).append(line)
    return found.values()


async def _rows(connection: Connection, file: DayFile, ids: Sequence[int]) -> Mapping[int, str]:
    found = await connection.fetch(_KNOWN.format(table=file.table), list(ids))
    return {row["id"]: row["line"] for row in found}


async def _insert(connection: Connection, file: DayFile, lines: Sequence[str]) -> set[int]:
    """Insert rows that have the same columns; return the ids of those of which the database had none."""
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


def _require_same(file: DayFile, archived: Mapping[int, str], now: Mapping[int, str]) -> None:
    """Raise SniperError, which takes back what was inserted, where a row did not become what the archive holds."""
    for each, line in archived.items():
        if each not in now or not same(line, now[each]):
            raise SniperError(f"{file.path}: row {each} does not come back as it was archived: nothing was restored")


def same(archived: str, stored_line: str) -> bool:
    """Tell whether a stored row is the archived one; columns that were added to the table since do not count."""
    if archived == stored_line:
        return True
    was, now = _values(archived), _values(stored_line)
    return set(was) < set(now) and all(now[name] == value for name, value in was.items())


def _values(line: str) -> Mapping[str, Any]:
    """Return a row's values; numbers as they are written, so that 1.0 is not 1.00."""
    row: Mapping[str, Any] = json.loads(line, parse_float=str, parse_int=str)
    return row
