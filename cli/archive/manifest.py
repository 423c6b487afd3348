"""The manifest of an archive: which files it holds, how many rows each, and their checksums."""

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
"""So many digits of a file's checksum are in its name."""


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
    """Of its rows, as `told` tells them."""
    revision: str
    """Of the schema that the rows had."""

    @property
    def path(self) -> str:
        """Where it is, from the archive's directory on: other contents have another name, and replace nothing."""
        return f"{self.table}/{self.day}.{self.sha256[:NAMED_DIGITS]}.{self.format.ending}"

    def holds(self) -> set[int]:
        """Return the ids of its rows."""
        ends = [part.partition("-") for part in self.ids.split(",")]
        return {each for first, _, last in ends for each in range(int(first), int(last or first) + 1)}


class Manifest(BaseModel):
    """All that an archive holds, by table and day."""

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
        """Return the ids of *file* that a later day holds too: a trade's day moves on as the trade does."""
        later = [each.holds() for each in self.of(file.table) if each.day > file.day]
        return file.holds().intersection(set().union(*later))

    def holding(self, file: DayFile) -> "Manifest":
        """Return the same with *file* instead of what there was of its table and day."""
        others = [each for each in self.files if (each.table, each.day) != (file.table, file.day)]
        files = sorted([*others, file], key=lambda each: (each.table, each.day))
        return self.model_copy(update={"files": tuple(files)})


def told(ids: Iterable[int]) -> str:
    """Return *ids* in order, what follows upon another as a range: 1-4,7."""
    ranges: list[list[int]] = []
    for each in sorted(ids):
        if ranges and each == ranges[-1][1] + 1:
            ranges[-1][1] = each
        else:
            ranges.append([each, each])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges)


def read(directory: Path) -> Manifest:
    """Return the manifest in *directory*, an empty one where there is none; raise SniperError for what is none."""
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
    """Put *manifest* into *directory*, whole or not at all, whatever happens meanwhile."""
    put(directory / NAME, manifest.model_dump_json(indent=2).encode() + b"\n")


def put(path: Path, content: bytes) -> None:
    """Write *content* to *path*: another name first, on the disk, and only then that name."""
    beside = path.with_name(f".{path.name}.part")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
