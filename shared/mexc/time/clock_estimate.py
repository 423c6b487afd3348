"""Estimate of the exchange's clock, its uncertainty, and whether it may be used for signing."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

SAMPLES_MIN: Final = 3
"""Fewer cannot outvote a wrong one."""
_TICK_MS: Final = 1.0
"""The exchange returns whole milliseconds."""
# Linux's monotonic clock stands still while the machine sleeps: clock_gettime(2). A laptop that wakes after two hours
# must not take what was listed in them for news. Elsewhere the monotonic clock goes on, or there is no other.
_BOOT_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
boot_seconds: Final[Callable[[], float]] = partial(time.clock_gettime, _BOOT_CLOCK)
"""Returns the seconds since boot, those asleep included; comparable between the processes of one machine."""


class ClockSample(NamedTuple):
    """One request for the time. Local times are seconds since boot."""

    asked_at: float
    answered_at: float
    server_ms: int

    @property
    def ahead_ms(self) -> float:
        """Return how far the exchange is ahead of our clock, if it answered half way."""
        return self.server_ms - (self.asked_at + self.answered_at) / 2 * 1000

    @property
    def off_ms_max(self) -> float:
        """Return the greatest error of that: it answered at some time between request and answer."""
        return (self.answered_at - self.asked_at) / 2 * 1000 + _TICK_MS


@dataclass(frozen=True, slots=True)
class ClockEstimate:
    """Estimate from a round of samples."""

    ahead_ms: float
    uncertainty_ms: float
    made_at: float

    def now_ms(self, now: float) -> int:
        """Return the whole milliseconds that the exchange would return by now, or one less: never early."""
        return int(self.ahead_ms + now * 1000)

    @property
    def likely_ahead_seconds(self) -> float:
        """Return the likeliest lead: the exchange cuts what it returns, by half a millisecond on average."""
        return (self.ahead_ms + _TICK_MS / 2) / 1000


@dataclass(frozen=True, slots=True)
class TrustLimits:
    """Limits of an estimate that may be used for signing.

    The exchange accepts no timestamp more than a second ahead of its clock, and none older than the order's window.
    """

    uncertainty_ms_max: float = 400.0
    age_seconds_max: float = 300.0

    def objection(self, estimate: ClockEstimate | None, now: float) -> str:
        """Return why *estimate* must not be used for signing; empty where it may."""
        if estimate is None:
            return "the exchange has not told its time"
        if estimate.uncertainty_ms > self.uncertainty_ms_max:
            return f"the exchange's time is uncertain by {estimate.uncertainty_ms:.0f} ms"
        age_seconds = now - estimate.made_at
        if age_seconds > self.age_seconds_max:
            return f"the exchange told its time {age_seconds:.0f} s ago"
        return ""


def estimate_of(samples: Sequence[ClockSample]) -> ClockEstimate | None:
    """Return the estimate by the median sample; None for fewer than three.

    Its uncertainty is that of the sample, or the disagreement of the samples where that is more.
    """
    if len(samples) < SAMPLES_MIN:
        return None
    by_offset = sorted(samples, key=lambda sample: sample.ahead_ms)
    middle = by_offset[len(samples) // 2]
    disagreement_ms = statistics.median(abs(sample.ahead_ms - middle.ahead_ms) for sample in samples)
    return ClockEstimate(
        middle.ahead_ms,
        max(middle.off_ms_max, disagreement_ms),
        made_at=max(sample.answered_at for sample in samples),
    )


def preferred(
    held: ClockEstimate | None, fresh: ClockEstimate | None, trust: TrustLimits, now: float
) -> ClockEstimate | None:
    """Return the fresh estimate, unless only the held one can be trusted."""
    if fresh is None or (trust.objection(fresh, now) and not trust.objection(held, now)):
        return held
    return fresh
