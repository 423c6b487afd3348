"""Back-off between looks that pushes hurry, per position: a book that contradicts pushes is not asked at each of them.

A push at most postpones a look, and is never forgotten: the price may be falling.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from shared.errors import DOUBLINGS_MAX

HURRY_SECONDS: Final = 0.05
"""Between looks at a position that pushes hurry: each reads all positions."""
CONTRADICTIONS_FREE: Final = 2
"""So many in a row double nothing: a push and a book may cross on their ways."""
BACKOFF_SECONDS_MAX: Final = 1.0
"""However rare looks are without any push: where only the book can decide, a sale waits for the look."""
FORGOTTEN_SECONDS: Final = 10.0
"""After so long without a hurry, contradictions before do not count."""


@dataclass(frozen=True, slots=True)
class _Hurry:
    looks_at: float
    contradictions: int = 0


class HurryBackoff:
    """Pure: the time comes in as an argument."""

    def __init__(self, seconds_max: float) -> None:
        """Looks are *seconds_max* apart at most, the interval of looks without any push, and a second."""
        self._seconds_max = min(max(seconds_max, HURRY_SECONDS), BACKOFF_SECONDS_MAX)
        self._hurries: dict[tuple[str, float], _Hurry] = {}

    def hurry(self, name: str, seconds: float, now: float) -> float | None:
        """Return in how many seconds, at least *seconds*, a look is due; None where one is due already."""
        last = self._hurries.get((name, seconds))
        if last is None or now - last.looks_at > FORGOTTEN_SECONDS:
            last = _Hurry(float("-inf"))
        if now < last.looks_at:
            return None
        looks_at = max(now + seconds, last.looks_at + self._backoff_seconds(last.contradictions))
        self._hurries[name, seconds] = replace(last, looks_at=looks_at)
        return looks_at - now

    def looked(self, hurried: Collection[str], pressing: Collection[str]) -> None:
        """Record looks by REST at *hurried* positions: those not in *pressing* contradicted their pushes."""
        for key, each in self._hurries.items():
            if key[0] in hurried:
                contradictions = 0 if key[0] in pressing else each.contradictions + 1
                self._hurries[key] = replace(each, contradictions=contradictions)

    def forget_all_but(self, names: Collection[str]) -> None:
        """Forget positions that are not held any more."""
        self._hurries = {key: each for key, each in self._hurries.items() if key[0] in names}

    def _backoff_seconds(self, contradictions: int) -> float:
        """Return the least time between two looks."""
        doublings = min(max(contradictions - CONTRADICTIONS_FREE, 0), DOUBLINGS_MAX)
        return min(self._seconds_max, HURRY_SECONDS * 2.0**doublings)
