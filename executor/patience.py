"""How long to wait before a position that could not be sold is tried again: longer each time."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

WAIT_SECONDS_MAX: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Wait:
    until: float
    seconds: float
    base_qty: Decimal
    """What was held when it was tried."""


class Patience:
    """Pure: the time comes in as an argument."""

    def __init__(self, first_seconds: float) -> None:
        self._first_seconds = first_seconds
        self._waits: dict[str, _Wait] = {}

    def is_over(self, name: str, base_qty: Decimal, now: float) -> bool:
        """Tell whether it may be tried now. One of which some was sold is not kept waiting for what failed before."""
        wait = self._waits.get(name)
        return wait is None or wait.base_qty != base_qty or now >= wait.until

    def tried(self, name: str, base_qty: Decimal, now: float) -> None:
        """Take note of an attempt, whatever comes of it."""
        before = self._waits.get(name)
        is_first = before is None or before.base_qty != base_qty
        seconds = self._first_seconds if is_first or before is None else min(WAIT_SECONDS_MAX, before.seconds * 2)
        self._waits[name] = _Wait(now + seconds, seconds, base_qty)

    def forget_all_but(self, names: Collection[str]) -> None:
        """Forget those that no longer want to be sold."""
        self._waits = {name: wait for name, wait in self._waits.items() if name in names}
