"""One file of the archive: rows as PostgreSQL's JSON, compressed. Equal rows make equal bytes."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from cli.archive import manifest, parquet
from cli.archive.formats import Format
from cli.archive.manifest import DayFile, Table
from shared.errors import SniperError

LEVEL: Final = 6


class DamagedError(SniperError):
    """A file of the archive does not match its manifest."""


def write(
    directory: Path, table: Table, day: date, lines: Sequence[str], revision: str, format_: Format = Format.JSONL
) -> DayFile:
    """Write the file of *day* and read it back; raise DamagedError if the contents differ."""
    if format_ is Format.PARQUET:
        content = parquet.packed(table, lines)
    else:
        # Without a time in the gzip header: the same rows make the same file.
        content = gzip.compress("".join(f"{line}\n" for line in lines).encode(), LEVEL, mtime=0)
    file = DayFile(
        table=table,
        day=day,
        format=format_,
        rows=len(lines),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        ids=manifest.id_ranges(rows(lines)),
        revision=revision,
    )
    path = directory / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_atomically(path, content)
    if read(directory, file) != list(lines):
        raise DamagedError(f"{path} does not read back as it was written: see to the disk")
    return file


def read(directory: Path, file: DayFile) -> list[str]:
    """Return the lines of *file*; raise DamagedError if it is missing or does not match its manifest."""
    path = directory / file.path
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path} cannot be read ({error.strerror}): restore it from a copy") from None
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise DamagedError(f"{path} is not what the manifest says (checksum): restore it from a copy")
    lines = unpacked(path, content)
    if len(lines) != file.rows or manifest.id_ranges(rows(lines)) != file.ids:
        raise DamagedError(f"{path} does not hold the rows that the manifest says: restore it from a copy")
    return lines


def unpacked(path: Path, content: bytes) -> list[str]:
    """Decompress *content* by the suffix of its file's name; raise DamagedError if that fails."""
    try:
        if path.name.endswith(Format.PARQUET.ending):
            return parquet.unpacked(content)
        # At line feeds only: a text may hold other characters that `splitlines` splits at.
        return gzip.decompress(content).decode().split("\n")[:-1]
    except (OSError, EOFError, zlib.error, ValueError):
        raise DamagedError(f"{path} cannot be unpacked: restore it from a copy") from None


def rows(lines: Sequence[str]) -> Mapping[int, str]:
    """Return *lines* by the id of their row."""
    return {int(json.loads(line)["id"]): line for line in lines}
