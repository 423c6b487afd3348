"""The rows of the exchange's state that changed since it was last saved."""

from enum import StrEnum


class Kind(StrEnum):
    """The kinds of rows the state is kept in. Each row has a key within its kind."""

    UNIVERSE = "universe"  # one row
    SYMBOL = "symbol"
    GONE = "gone"
    ORDER = "order"
    BALANCE = "balance"
    ARRIVALS = "arrivals"  # one row
    EATEN = "eaten"


ONLY = ""
"""The key of a kind that has one row."""
Key = tuple[Kind, str]


class Changes:
    """The rows that differ from what is saved, in the order in which they first did."""

    def __init__(self) -> None:
        self._keys: dict[Key, None] = {}

    def note(self, kind: Kind, key: str = ONLY) -> None:
        self._keys[kind, key] = None

    def pending(self) -> list[Key]:
        return list(self._keys)

    def clear(self) -> None:
        """Take in that all of them are saved, or need not be."""
        self._keys.clear()
