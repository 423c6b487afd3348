"""The manifest of an archive: its files with their row counts and checksums."""

import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cli.archive.formats import Format
from shared.errors import SniperError

NAME: Final = "manifest.json"
Table = Literal["listings", "trades"]
TABLES: Final[tuple[Table, ...]] = ("listings", "trades")


NAMED_DIGITS: Final = 8
"""Number of checksum digits in a file's name."""


class DayFile(BaseModel):
    """One table's rows of one day (UTC, by `created_at`)."""

    model_config = ConfigDict(frozen=True)

    table: Table
    day: date
    format: Format = Format.JSONL
    rows: int = Field(ge=1)
    bytes: int = Field(ge=1)
    """Of the compressed file."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the compressed file."""
    ids: str = Field(pattern=r"^\d+(-\d+)?(,\d+(-\d+)?)*$")
    """Of its rows, as `id_ranges` formats them."""
    revision: str
    """Schema revision of the rows."""

    @property
    def path(self) -> str:
        """Return its path within the archive; other contents get another name, and replace nothing."""
        return f"{self.table}/{self.day}.{self.sha256[:NAMED_DIGITS]}.{self.format.ending}"

    def holds(self) -> set[int]:
        """Return the ids of its rows."""
        ends = [part.partition("-") for part in self.ids.split(",")]
        return {each for first, _, last in ends for each in range(int(first), int(last or first) + 1)}


class Manifest(BaseModel):
    """All files of an archive, by table and day."""

    model_config = ConfigDict(frozen=True)

    version: Literal[2] = 2
    files: tuple[DayFile, ...] = ()

    def find(self, table: Table, day: date) -> DayFile | None:
        """Return the file of that table and day, if there is one."""
        return next((each for each in self.files if (each.table, each.day) == (table, day)), None)

    def of(self, table: Table) -> list[DayFile]:
        """Return the files of one table, oldest first."""
        return [each for each in self.files if each.table == table]

    def moved(self, file: DayFile) -> set[int]:
        """Return the ids of *file* that a later day holds too: a trade's day moves with its last change."""
        later = [each.holds() for each in self.of(file.table) if each.day > file.day]
        return file.holds().intersection(set().union(*later))

    def holding(self, file: DayFile) -> "Manifest":
        """Return a manifest in which *file* replaces the one of its table and day."""
        others = [each for each in self.files if (each.table, each.day) != (file.table, file.day)]
        files = sorted([*others, file], key=lambda each: (each.table, each.day))
        return self.model_copy(update={"files": tuple(files)})


def id_ranges(ids: Iterable[int]) -> str:
    """Format *ids* in order, consecutive ones as a range: 1-4,7."""
    ranges: list[list[int]] = []
    for each in sorted(ids):
        if ranges and each == ranges[-1][1] + 1:
            ranges[-1][1] = each
        else:
            ranges.append([each, each])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges)


def read(directory: Path) -> Manifest:
    """Return the manifest in *directory*, an empty one if there is none; raise SniperError if it is invalid."""
    try:
        text = (directory / NAME).read_text(encoding="utf-8")
    except FileNotFoundError:
        return Manifest()
    except OSError as error:
        raise SniperError(f"{directory / NAME} cannot be read: {error.strerror}") from None
    try:
        return Manifest.model_validate_json(text)
    except ValidationError:
        raise SniperError(f"{directory / NAME} is no manifest of ours: restore it from a copy") from None


def write(directory: Path, manifest: Manifest) -> None:
    """Write *manifest* into *directory* atomically."""
    write_atomically(directory / NAME, manifest.model_dump_json(indent=2).encode() + b"\n")


def write_atomically(path: Path, content: bytes) -> None:
    """Write *content* to a temporary file, sync it, and rename it to *path*."""
    beside = path.with_name(f".{path.name}.part")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
