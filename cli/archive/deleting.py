"""Delete from the database what an archive holds, row by row the same; everything else stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cli.archive import day_file, role, stored
from cli.archive.manifest import TABLES, DayFile
from cli.archive.writing import locked, verified
from shared.database import Connection, Database

_DELETE: Final = """
    DELETE FROM {table} AS stored USING unnest($1::bigint[], $2::text[]) AS archived (id, line)
    WHERE stored.id = archived.id AND row_to_json(stored)::text = archived.line
    RETURNING stored.id
"""
_STILL: Final = "SELECT count(*) FROM {table} WHERE id = ANY($1::bigint[])"
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
"""What belongs to a position that is held or to an order that is open, which the archive never takes away."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """What became of one file's rows in the database."""

    file: DayFile
    deleted: int
    in_use: int
    """Kept: of an open position or order."""
    changed: int
    """Kept: they are not any more what the archive holds. Archive again to have them."""


async def delete(database: Database, directory: Path) -> list[Deleted]:
    """Delete what the archive in *directory* holds, of which every file is verified first."""
    with locked(directory):
        found = verified(directory)
        await role.ensure(database)
        files = [file for table in TABLES for file in found.of(table)]
        return [await _delete_file(database, directory, file) for file in files]


async def _delete_file(database: Database, directory: Path, file: DayFile) -> Deleted:
    archived = day_file.rows(day_file.read(directory, file))
    total = Deleted(file, 0, 0, 0)
    for batch in stored.batches(list(archived)):
        async with stored.told_in_utc(database) as connection:
            one = await _delete_batch(connection, file, batch, archived)
        total = Deleted(file, total.deleted + one.deleted, total.in_use + one.in_use, total.changed + one.changed)
    return total


async def _delete_batch(
    connection: Connection, file: DayFile, ids: Sequence[int], archived: Mapping[int, str]
) -> Deleted:
    in_use = {row["id"] for row in await connection.fetch(_IN_USE[file.table], list(ids))}
    free = [each for each in ids if each not in in_use]
    await role.act(connection)
    gone = await connection.fetch(_DELETE.format(table=file.table), free, [archived[each] for each in free])
    left = await connection.fetchval(_STILL.format(table=file.table), free)
    return Deleted(file, len(gone), len(in_use), left)
