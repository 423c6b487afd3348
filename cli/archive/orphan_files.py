"""Files in an archive that its manifest does not name: left by an interrupted run, or the manifest is lost."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cli.archive import day_file, manifest, stored_rows
from cli.archive.day_file import DamagedError
from cli.archive.manifest import TABLES, Manifest, Table
from shared.errors import SniperError
from shared.postgres.database import Database

_NAME: Final = re.compile(r"(\d{4}-\d{2}-\d{2})\.([0-9a-f]{8})\.(?:jsonl\.gz|parquet)")
_FILES: Final = ("*.gz", "*.parquet")


async def clear(database: Database, directory: Path) -> None:
    """Remove orphan files whose rows are all elsewhere; raise SniperError for the first other one.

    Elsewhere means in the database, or unchanged in the file that the manifest names for that day.
    """
    known = manifest.read(directory)
    named = {directory / each.path for each in known.files}
    for table in TABLES:
        for part in sorted((directory / table).glob(".*.part")):
            part.unlink()
        found = {path for pattern in _FILES for path in (directory / table).glob(pattern)}
        for path in sorted(found - named):
            rows = contents_of(path)
            kept = _kept(directory, known, table, path)
            rest = None if rows is None else [each for each, line in rows.items() if kept.get(each) != line]
            if rest is None or not set(rest) <= await stored_rows.present_in(database, table, rest):
                raise SniperError(
                    f"{path}: there is a file that no manifest names, and rows of it may be nowhere else: "
                    f"restore {directory / manifest.NAME} from a copy, or move the file out of the archive"
                )
            path.unlink()


def contents_of(path: Path) -> Mapping[int, str] | None:
    """Return the rows of a file whose name matches its contents; None for any other."""
    match, content = _NAME.fullmatch(path.name), path.read_bytes()
    if match is None or not hashlib.sha256(content).hexdigest().startswith(match[2]):
        return None
    try:
        return day_file.rows(day_file.decompress(path, content))
    except (DamagedError, ValueError):
        return None


def _kept(directory: Path, known: Manifest, table: Table, path: Path) -> Mapping[int, str]:
    """Return the rows of the file that the manifest names for the day of *path*; none if it is unreadable."""
    file = next((each for each in known.of(table) if f"{each.day}" == path.name.partition(".")[0]), None)
    try:
        return {} if file is None else day_file.rows(day_file.read(directory, file))
    except DamagedError:
        return {}
