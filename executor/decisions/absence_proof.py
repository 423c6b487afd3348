"""Absence proof: count the look-ups that prove an answered order absent. Pure: every time is an argument.

As for an order whose outcome is unknown: it would have to be visible by then, and repeated look-ups did not find it. A
look-up that failed resets the count.
"""

from dataclasses import dataclass
from typing import Final

FIRST_WAIT_SECONDS: Final = 0.25
WAIT_SECONDS_MAX: Final = 2.0
COUNTED_SECONDS: Final = 0.5
"""Between looks that count."""


@dataclass(slots=True)
class AbsenceProof:
    shows_by_ms: int
    """The time by which it would be visible, had it been taken; by the exchange's clock."""
    reads: int
    """The number of look-ups in a row after that which must not find it."""
    wait_seconds: float
    """Before the next look."""
    misses: int = 0
    _longer_seconds: float = FIRST_WAIT_SECONDS

    @property
    def is_complete(self) -> bool:
        return self.misses >= self.reads

    def is_decisive(self, looked_ms: int) -> bool:
        """Return whether a look-up that begins at *looked_ms* and finds nothing completes the proof."""
        return looked_ms > self.shows_by_ms and self.misses + 1 >= self.reads

    def missed(self, looked_ms: int) -> None:
        """Record a look-up that began at *looked_ms* and did not find it."""
        if looked_ms > self.shows_by_ms:
            self.misses += 1
            self.wait_seconds = COUNTED_SECONDS
        else:
            self._wait_longer()

    def failed(self, quiet_seconds: float = 0.0) -> None:
        """Record a look-up that was not answered; *quiet_seconds* is the back-off that the exchange asked for."""
        self.misses = 0
        self._wait_longer()
        self.wait_seconds = max(self.wait_seconds, quiet_seconds)

    def takes_seconds(self, now_ms: int) -> float:
        """Return the least time before anything can be proven."""
        return max(0.0, (self.shows_by_ms - now_ms) / 1000)

    def _wait_longer(self) -> None:
        self.wait_seconds = self._longer_seconds
        self._longer_seconds = min(WAIT_SECONDS_MAX, self._longer_seconds * 2)
