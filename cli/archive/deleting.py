"""Delete archived rows from the database if they are unchanged; all others stay."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cli.archive import day_file, orphan_files, role, stored_rows
from cli.archive.manifest import TABLES, DayFile
from cli.archive.writing import lock_archive, verify_archive
from shared.postgres.database import Connection, Database

_DELETE: Final = """
    DELETE FROM {table} AS stored USING unnest($1::bigint[], $2::text[]) AS archived (id, line)
    WHERE stored.id = archived.id AND row_to_json(stored)::text = archived.line
    RETURNING stored.id
"""
_STILL: Final = """
    SELECT count(*) FILTER (WHERE created_at >= $2 AND created_at < $3) AS changed, count(*) AS still
    FROM {table} WHERE id = ANY($1::bigint[])
"""
_IN_USE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "listings": """
        SELECT stored.id FROM listings AS stored WHERE stored.id = ANY($1::bigint[]) AND (
            EXISTS (SELECT FROM positions WHERE positions.listing_key = stored.listing_key
                    AND state NOT IN ('closed', 'written_off'))
            OR EXISTS (SELECT FROM orders WHERE orders.listing_key = stored.listing_key
                       AND state IN ('armed', 'sending', 'acknowledged', 'unknown'))
        )
    """,
        "trades": """
        SELECT stored.id FROM trades AS stored WHERE stored.id = ANY($1::bigint[]) AND (
            stored.status = 'pending'
            OR EXISTS (SELECT FROM positions WHERE positions.listing_key = stored.listing_key
                       AND positions.mode = stored.mode AND state NOT IN ('closed', 'written_off'))
            OR EXISTS (SELECT FROM orders WHERE orders.listing_key = stored.listing_key
                       AND orders.mode = stored.mode AND state IN ('armed', 'sending', 'acknowledged', 'unknown'))
        )
    """,
    }
)
"""Rows of held positions and open orders, which are never deleted."""


@dataclass(frozen=True, slots=True)
class DeletionResult:
    """Counts of one file's rows in the database."""

    file: DayFile
    deleted: int
    in_use: int
    """Kept: of an open position or order."""
    changed: int
    """Kept: they differ from the archive. Archive them again."""
    moved: int
    """Now rows of another day, whose file holds them or will; this file has an older state."""


async def delete(database: Database, directory: Path) -> list[DeletionResult]:
    """Delete the rows held by the archive in *directory*, after verifying every file."""
    with lock_archive(directory):
        found = verify_archive(directory)
        await role.ensure_role(database)
        await orphan_files.clear(database, directory)
        files = [file for table in TABLES for file in found.of(table)]
        return [await _delete_file(database, directory, file, found.moved(file)) for file in files]


async def _delete_file(database: Database, directory: Path, file: DayFile, moved: AbstractSet[int]) -> DeletionResult:
    archived = day_file.rows(day_file.read(directory, file))
    total = DeletionResult(file, 0, 0, 0, len(moved))
    for batch in stored_rows.batches([each for each in archived if each not in moved]):
        async with stored_rows.utc_transaction(database) as connection:
            one = await delete_batch(connection, file, batch, archived)
        total = DeletionResult(
            file,
            total.deleted + one.deleted,
            total.in_use + one.in_use,
            total.changed + one.changed,
            total.moved + one.moved,
        )
    return total


async def delete_batch(
    connection: Connection, file: DayFile, ids: Sequence[int], archived: Mapping[int, str]
) -> DeletionResult:
    """Delete the rows *ids* in the transaction of *connection*, except those in use and those that differ."""
    await role.assume(connection)
    in_use = {row["id"] for row in await connection.fetch(_IN_USE[file.table], list(ids))}
    free = [each for each in ids if each not in in_use]
    deleted = await connection.fetch(_DELETE.format(table=file.table), free, [archived[each] for each in free])
    day = (stored_rows.midnight(file.day), stored_rows.midnight(file.day + timedelta(days=1)))
    left = await connection.fetch(_STILL.format(table=file.table), free, *day)
    changed, still = left[0]["changed"], left[0]["still"]
    return DeletionResult(file, len(deleted), len(in_use), changed, still - changed)
