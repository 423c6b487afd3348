"""The formats that a file of the archive may have."""

from enum import StrEnum


class Format(StrEnum):
    """How the rows of a day are written."""

    JSONL = "jsonl"
    PARQUET = "parquet"

    @property
    def ending(self) -> str:
        """Return how the name of such a file ends."""
        return "parquet" if self is Format.PARQUET else "jsonl.gz"
