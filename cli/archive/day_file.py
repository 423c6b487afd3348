"""One file of the archive: rows as PostgreSQL tells them in JSON, compressed. Equal rows make equal bytes."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from cli.archive import manifest, parquet
from cli.archive.formats import Format
from cli.archive.manifest import DayFile, Table
from shared.errors import SniperError

LEVEL: Final = 6


class DamagedError(SniperError):
    """A file of the archive is not what its manifest says."""


def write(
    directory: Path, table: Table, day: date, lines: Sequence[str], revision: str, format_: Format = Format.JSONL
) -> DayFile:
    """Write the file of *day* and read it back; raise DamagedError where the disk gives something else."""
    content = parquet.packed(table, lines) if format_ is Format.PARQUET else _packed(lines)
    file = DayFile(
        table=table,
        day=day,
        format=format_,
        rows=len(lines),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        ids=manifest.told(rows(lines)),
        revision=revision,
    )
    path = directory / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    manifest.put(path, content)
    if read(directory, file) != list(lines):
        raise DamagedError(f"{path} does not read back as it was written: see to the disk")
    return file


def _packed(lines: Sequence[str]) -> bytes:
    # No time in its head: the same rows make the same file.
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), LEVEL, mtime=0)


def read(directory: Path, file: DayFile) -> list[str]:
    """Return the lines of *file*; raise DamagedError where it is missing, or not as its manifest says."""
    path = directory / file.path
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path} cannot be read ({error.strerror}): restore it from a copy") from None
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise DamagedError(f"{path} is not what the manifest says (checksum): restore it from a copy")
    lines = unpacked(path, content)
    if len(lines) != file.rows or manifest.told(rows(lines)) != file.ids:
        raise DamagedError(f"{path} does not hold the rows that the manifest says: restore it from a copy")
    return lines


def unpacked(path: Path, content: bytes) -> list[str]:
    """Return the lines of a file's *content*, by the ending of its name; raise DamagedError where it is none."""
    try:
        if path.name.endswith(Format.PARQUET.ending):
            return parquet.unpacked(content)
        # At line feeds only: a text may hold what Python takes for another end of a line.
        return gzip.decompress(content).decode().split("\n")[:-1]
    except (OSError, EOFError, zlib.error, ValueError):
        raise DamagedError(f"{path} cannot be unpacked: restore it from a copy") from None


def rows(lines: Sequence[str]) -> Mapping[int, str]:
    """Return *lines* by the id of their row."""
    return {int(_row(line)["id"]): line for line in lines}


def _row(line: str) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(line)
    return row
