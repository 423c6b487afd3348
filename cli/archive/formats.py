"""Formats of the archive's files."""

from enum import StrEnum


class Format(StrEnum):
    """Encoding of the rows of a day."""

    JSONL = "jsonl"
    PARQUET = "parquet"

    @property
    def ending(self) -> str:
        """Return the suffix of a file's name."""
        return "parquet" if self is Format.PARQUET else "jsonl.gz"
