"""One suspension: the facts known since a sale was refused because nothing trades, and its back-off. Pure."""

from dataclasses import dataclass
from typing import Final

from executor.model import Sale
from executor.pricing import Quote

FIRST_WAIT_SECONDS: Final = 0.25
"""Before a sale is retried for a symbol that is not known to be closed; it doubles."""
QUICKLY_SECONDS: Final = 30.0
QUICK_WAIT_SECONDS_MAX: Final = 1.5
"""The longest back-off within so many seconds after the first refusal in a row."""
SOON_SECONDS: Final = 600.0
WAIT_SECONDS_MAX: Final = 5.0
"""The same for longer."""
LONG_WAIT_SECONDS_MAX: Final = 30.0
"""The longest after that, and while tests of the sale or the status find no trading: either may be wrong."""


@dataclass(slots=True)
class Suspension:
    sequence: int
    code: str
    """The reason of the refusal."""
    since: float
    """The time of the first refusal in a row."""
    refused_at: float
    wait_seconds: float
    quote: Quote | None
    ask_at: float
    is_closed: bool | None = None
    """By its status; None before that was read."""
    was_closed: bool = False
    released: bool = False
    asking: bool = False
    was_asked: bool = False
    """The status was read since this refusal."""
    testing: bool = False
    is_tested: bool = False
    test_at: float = 0.0
    passed: bool = False
    """Released by a test."""
    is_believed: bool = True
    """No test has passed right before a sale that found no trading; or one has failed since."""
    fails: bool = False
    """The last test found no trading."""

    def is_over(self, now: float) -> bool:
        """Return whether a sale is to be retried, whatever is unknown."""
        if self.is_closed is None and self.asking:
            return False
        return self.left_seconds(now) <= 0

    def left_seconds(self, now: float) -> float:
        """Return the time left of the back-off, the longest one where status or test find no trading."""
        is_shut = self.fails or self.is_closed
        return self.refused_at + (LONG_WAIT_SECONDS_MAX if is_shut else self.wait_seconds) - now

    def refused_again(self, sale: Sale, now: float) -> "Suspension":
        """Return the suspension after one more refusal.

        The back-off doubles where the symbol never was closed by its status.
        """
        ceiling = LONG_WAIT_SECONDS_MAX
        if now - self.since < SOON_SECONDS:
            ceiling = WAIT_SECONDS_MAX
        if now - self.since < QUICKLY_SECONDS:
            ceiling = QUICK_WAIT_SECONDS_MAX
        misled = self.is_believed and self.passed
        return Suspension(
            sale.sequence,
            sale.code,
            self.since,
            now,
            min(FIRST_WAIT_SECONDS if self.was_closed else self.wait_seconds * 2, ceiling),
            self.quote,
            min(self.ask_at, now) if misled else self.ask_at,
            is_closed=self.is_closed,
            test_at=self.test_at,
            is_believed=self.is_believed and not misled,
            fails=self.fails,
        )


def first_refusal(sale: Sale, quote: Quote, now: float, ask_at: float) -> Suspension:
    """Return the suspension that *sale*, refused for the first time in a row, begins."""
    return Suspension(sale.sequence, sale.code, now, now, FIRST_WAIT_SECONDS, quote, ask_at)
