"""Dirty rows of the exchange's state: those that changed since the last save."""

from enum import StrEnum


class RowKind(StrEnum):
    """Kinds of rows in the state file, by the names saved files have. Each row has a key within its kind."""

    GENERATOR = "universe"  # one row
    SYMBOL = "symbol"
    DELISTED = "gone"
    ORDER = "order"
    BALANCE = "balance"
    ARRIVALS = "arrivals"  # one row
    DEPLETION = "eaten"


SINGLE_ROW = ""
"""The key of a kind that has one row."""
Key = tuple[RowKind, str]


class Changes:
    """The unsaved rows, in the order in which they first changed."""

    def __init__(self) -> None:
        self._keys: dict[Key, None] = {}

    def note(self, kind: RowKind, key: str = SINGLE_ROW) -> None:
        self._keys[kind, key] = None

    def pending(self) -> list[Key]:
        return list(self._keys)

    def clear(self) -> None:
        """Mark all of them as saved."""
        self._keys.clear()
