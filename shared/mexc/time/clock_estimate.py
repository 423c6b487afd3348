"""The exchange's clock as seen from here: an estimate, how far it may be off, and whether to sign by it."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from shared.errors import TransientError

SAMPLES_MIN: Final = 3
"""Fewer cannot outvote a wrong one."""
_TICK_MS: Final = 1.0
"""The exchange tells whole milliseconds."""


class ClockUncertainError(TransientError):
    """The exchange's time is not known well enough to sign by it."""


class ClockSample(NamedTuple):
    """One question for the time. The local times are of a clock that never steps, in seconds."""

    asked_at: float
    answered_at: float
    server_ms: int

    @property
    def ahead_ms(self) -> float:
        """How far the exchange is ahead of our clock, if its answer was made half way."""
        return self.server_ms - (self.asked_at + self.answered_at) / 2 * 1000

    @property
    def off_ms_max(self) -> float:
        """How far that may be wrong: the answer was made at some time between asking and hearing it."""
        return (self.answered_at - self.asked_at) / 2 * 1000 + _TICK_MS


@dataclass(frozen=True, slots=True)
class ClockEstimate:
    """What a round of samples tells."""

    ahead_ms: float
    uncertainty_ms: float
    made_at: float

    def now_ms(self, now: float) -> int:
        return int(self.ahead_ms + now * 1000)


@dataclass(frozen=True, slots=True)
class TrustLimits:
    """When an estimate is good enough to sign by.

    The exchange takes no timestamp more than a second ahead of its clock, and none older than the window of the order.
    """

    uncertainty_ms_max: float = 400.0
    age_seconds_max: float = 300.0

    def objection(self, estimate: ClockEstimate | None, now: float) -> str:
        """Say why not to sign by *estimate*; empty when it is good enough."""
        if estimate is None:
            return "the exchange has not told its time"
        if estimate.uncertainty_ms > self.uncertainty_ms_max:
            return f"the exchange's time is uncertain by {estimate.uncertainty_ms:.0f} ms"
        age_seconds = now - estimate.made_at
        if age_seconds > self.age_seconds_max:
            return f"the exchange told its time {age_seconds:.0f} s ago"
        return ""


def estimate_of(samples: Sequence[ClockSample]) -> ClockEstimate | None:
    """Return what the median sample says; None of fewer than three.

    It is as uncertain as that sample's way was long, or as the samples disagree where that is more.
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
    """Return the newer one, unless only the older one can be trusted."""
    if fresh is None or (trust.objection(fresh, now) and not trust.objection(held, now)):
        return held
    return fresh
