"""Ids of handled events, since the broker delivers at least once."""

from collections import OrderedDict
from typing import Final

REMEMBERED: Final = 10_000


class Duplicates:
    """The latest ids, bounded."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._remembered = remembered

    def claim(self, name: str) -> bool:
        """Return whether *name* is new, and remember it."""
        if name in self._ids:
            return False
        self._ids[name] = None
        if len(self._ids) > self._remembered:
            self._ids.popitem(last=False)
        return True

    def release(self, name: str) -> None:
        """Forget *name*, whose handling failed."""
        self._ids.pop(name, None)
