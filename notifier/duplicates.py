"""Remember which events were handled: the broker delivers at least once."""

from collections import OrderedDict
from typing import Final

REMEMBERED: Final = 10_000


class Duplicates:
    """The latest ids."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._remembered = remembered

    def claim(self, name: str) -> bool:
        """Return whether *name* is new; it is not from now on."""
        if name in self._ids:
            return False
        self._ids[name] = None
        if len(self._ids) > self._remembered:
            self._ids.popitem(last=False)
        return True

    def release(self, name: str) -> None:
        """Let *name* be new again: what was claimed for it failed."""
        self._ids.pop(name, None)
