"""The time that decides about money: the exchange's, carried on by a clock of ours that never steps."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

from shared.mexc.time.clock_estimate import ClockEstimate

STEP_SECONDS: Final = 2.0
"""A better estimate moves the time by less, beyond how far both may be off; more is a step of the exchange's."""
FOLLOWED_SECONDS: Final = 120.0
"""How long a step must have stood before it is followed: longer than an order may be on its way. Requests are signed by
the exchange's time as it is, in the meantime too."""


class KnownTime(Protocol):
    @property
    def known(self) -> ClockEstimate | None:
        """The exchange's time as well as it was ever known; None before that."""


class TradingClock:
    """Moments are the exchange's, durations monotonic. The wall clock is read once, for as long as it must stand in.

    The exchange's time also counts where it is too old or too uncertain to sign by: it is carried on by the monotonic
    clock, the one its estimate was made with, and closer to the truth than a wall clock that may be set at any moment.
    """

    def __init__(
        self,
        exchange: KnownTime,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exchange = exchange
        self._monotonic = monotonic
        self._ahead = wall() - monotonic()
        """How far the time to go by is ahead of the monotonic clock."""
        self._estimate: ClockEstimate | None = None
        self._off_seconds_max = float("inf")
        """How far the time to go by may be off."""
        self._stepped_at: float | None = None

    def now(self) -> datetime:
        """Return the time, aware."""
        at = self._monotonic()
        # Orders wait for this: between two estimates, which are half a minute apart, it is an addition.
        if self._exchange.known is not self._estimate or self._stepped_at is not None:
            self._follow(at)
        return datetime.fromtimestamp(at + self._ahead, UTC)

    def _follow(self, at: float) -> None:
        """Go by the latest estimate, unless the exchange's clock has stepped just now.

        Orders under way count their seconds by this time, and these must not become fewer or more.
        """
        self._estimate = self._exchange.known
        assert self._estimate is not None
        ahead, off_seconds_max = self._estimate.ahead_ms / 1000, self._estimate.uncertainty_ms / 1000
        is_better = abs(ahead - self._ahead) <= STEP_SECONDS + self._off_seconds_max + off_seconds_max
        if is_better or (self._stepped_at is not None and at - self._stepped_at >= FOLLOWED_SECONDS):
            self._ahead, self._off_seconds_max, self._stepped_at = ahead, off_seconds_max, None
        elif self._stepped_at is None:
            self._stepped_at = at
