"""Clock for decisions about money: the exchange's time, carried on by a monotonic clock."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

from shared.mexc.time.clock_estimate import ClockEstimate

STEP_SECONDS: Final = 2.0
"""A better estimate moves the time by less, beyond both uncertainties; more is a step of the exchange's clock."""
FOLLOWED_SECONDS: Final = 120.0
"""Time a step must have lasted before it is followed: longer than an order may be under way. Requests are signed by the
exchange's time as it is, in the meantime too."""


class KnownTime(Protocol):
    @property
    def known(self) -> ClockEstimate | None:
        """Return the best estimate ever of the exchange's time; None before the first."""


class TradingClock:
    """Moments are the exchange's, durations monotonic. The wall clock is read once, until the first estimate.

    The exchange's time also counts where it is too old or too uncertain for signing: it is carried on by the monotonic
    clock of its estimate, and closer to the truth than a wall clock that may be set at any moment.
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
        """Lead of the followed time over the monotonic clock."""
        self._estimate: ClockEstimate | None = None
        self._off_seconds_max = float("inf")
        """Uncertainty of the followed time."""
        self._stepped_at: float | None = None

    def now(self) -> datetime:
        """Return the time, aware."""
        at = self._monotonic()
        # On the hot path of orders: between two estimates, half a minute apart, this is an addition.
        if self._exchange.known is not self._estimate or self._stepped_at is not None:
            self._follow(at)
        return datetime.fromtimestamp(at + self._ahead, UTC)

    def _follow(self, at: float) -> None:
        """Follow the latest estimate, unless the exchange's clock has just stepped.

        Deadlines of orders under way are in this time, and must not become shorter or longer.
        """
        self._estimate = self._exchange.known
        assert self._estimate is not None
        ahead, off_seconds_max = self._estimate.ahead_ms / 1000, self._estimate.uncertainty_ms / 1000
        is_better = abs(ahead - self._ahead) <= STEP_SECONDS + self._off_seconds_max + off_seconds_max
        if is_better or (self._stepped_at is not None and at - self._stepped_at >= FOLLOWED_SECONDS):
            self._ahead, self._off_seconds_max, self._stepped_at = ahead, off_seconds_max, None
        elif self._stepped_at is None:
            self._stepped_at = at
