"""Delete from the database what an archive holds, row by row the same; everything else stays."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cli.archive import day_file, role, stored, unnamed
from cli.archive.manifest import TABLES, DayFile
from cli.archive.writing import locked, verified
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
    moved: int
    """They are rows of another day by now, whose file holds them, or will: what this file tells is their past."""


async def delete(database: Database, directory: Path) -> list[Deleted]:
    """Delete what the archive in *directory* holds, of which every file is verified first."""
    with locked(directory):
        found = verified(directory)
        await role.ensure(database)
        await unnamed.clear(database, directory)
        files = [file for table in TABLES for file in found.of(table)]
        return [await _delete_file(database, directory, file, found.moved(file)) for file in files]


async def _delete_file(database: Database, directory: Path, file: DayFile, moved: AbstractSet[int]) -> Deleted:
    archived = day_file.rows(day_file.read(directory, file))
    total = Deleted(file, 0, 0, 0, len(moved))
    for batch in stored.batches([each for each in archived if each not in moved]):
        async with stored.told_in_utc(database) as connection:
            one = await _delete_batch(connection, file, batch, archived)
        total = Deleted(
            file,
            total.deleted + one.deleted,
            total.in_use + one.in_use,
            total.changed + one.changed,
            total.moved + one.moved,
        )
    return total


async def _delete_batch(
    connection: Connection, file: DayFile, ids: Sequence[int], archived: Mapping[int, str]
) -> Deleted:
    await role.act(connection)
    in_use = {row["id"] for row in await connection.fetch(_IN_USE[file.table], list(ids))}
    free = [each for each in ids if each not in in_use]
    gone = await connection.fetch(_DELETE.format(table=file.table), free, [archived[each] for each in free])
    day = (stored.midnight(file.day), stored.midnight(file.day + timedelta(days=1)))
    left = await connection.fetch(_STILL.format(table=file.table), free, *day)
    changed, still = left[0]["changed"], left[0]["still"]
    return Deleted(file, len(gone), len(in_use), changed, still - changed)
