"""Count the looks that prove an answered order absent. Pure: every time is an argument.

The same notion as of an order whose outcome is unknown: it could not be hidden any more, and was looked for again and
again. A look that failed counts for nothing, and those before it neither.
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
    """By when it would have to show, had it been taken; by the exchange's clock."""
    reads: int
    """How often in a row it must be looked for after that, and not found."""
    wait_seconds: float
    """Before the next look."""
    misses: int = 0
    _longer_seconds: float = FIRST_WAIT_SECONDS

    @property
    def is_complete(self) -> bool:
        return self.misses >= self.reads

    def is_decisive(self, looked_ms: int) -> bool:
        """Return whether a look that begins at *looked_ms* and finds nothing completes the proof."""
        return looked_ms > self.shows_by_ms and self.misses + 1 >= self.reads

    def missed(self, looked_ms: int) -> None:
        """A look that began at *looked_ms* did not find it."""
        if looked_ms > self.shows_by_ms:
            self.misses += 1
            self.wait_seconds = COUNTED_SECONDS
        else:
            self._wait_longer()

    def failed(self, quiet_seconds: float = 0.0) -> None:
        """A look was not answered; the exchange may want quiet."""
        self.misses = 0
        self._wait_longer()
        self.wait_seconds = max(self.wait_seconds, quiet_seconds)

    def takes_seconds(self, now_ms: int) -> float:
        """Return how long it takes at least before anything can be proven."""
        return max(0.0, (self.shows_by_ms - now_ms) / 1000)

    def _wait_longer(self) -> None:
        self.wait_seconds = self._longer_seconds
        self._longer_seconds = min(WAIT_SECONDS_MAX, self._longer_seconds * 2)
