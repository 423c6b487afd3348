"""Summary of a series of measurements, its comparison with the floor's, and the error in place of both. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple


class BenchmarkError(Exception):
    """The measurement is invalid."""


class Step(NamedTuple):
    """A number of events, and the time until they were handled."""

    seconds: float
    events: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Median and 99th percentile in milliseconds; for throughput also events per second."""

    p50_ms: float
    p99_ms: float
    per_s: float | None = None

    def as_json(self) -> dict[str, float]:
        shown = {"p50_ms": round(self.p50_ms, 4), "p99_ms": round(self.p99_ms, 4)}
        return shown if self.per_s is None else shown | {"per_s": round(self.per_s, 1)}


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark: our figures beside those of its floor, both measured in the same run."""

    ours: Figures
    floor: Figures
    what: str
    """The measured process or interval."""
    extra: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def ratio_p50(self) -> float:
        """Our median as a multiple of the floor's."""
        return self.ours.p50_ms / self.floor.p50_ms

    @property
    def ratio_p99(self) -> float:
        return self.ours.p99_ms / self.floor.p99_ms

    @property
    def ratio_rate(self) -> float | None:
        """The floor's rate as a multiple of ours; None if no rate was measured."""
        if self.ours.per_s is None or self.floor.per_s is None:
            return None
        return self.floor.per_s / self.ours.per_s

    def as_json(self) -> dict[str, object]:
        """Return the benchmark's entry in the results file."""
        rate = {} if self.ratio_rate is None else {"ratio_rate": round(self.ratio_rate, 3)}
        return {
            "what": self.what,
            **self.ours.as_json(),
            "floor": self.floor.as_json(),
            "ratio_p50": round(self.ratio_p50, 3),
            "ratio_p99": round(self.ratio_p99, 3),
            **rate,
            **self.extra,
        }


def latency(samples_ms: Sequence[float]) -> Figures:
    """Summarise single measurements."""
    return Figures(statistics.median(samples_ms), percentile_99(samples_ms))


def throughput(steps: Sequence[Step]) -> Figures:
    """Summarise steps: the times of a step, and the rate over all of them."""
    seconds = [step.seconds for step in steps]
    times = latency([each * 1000 for each in seconds])
    return replace(times, per_s=sum(step.events for step in steps) / sum(seconds))


def steps_between(moments: Sequence[float], events: Sequence[int]) -> list[Step]:
    """Return the steps between consecutive times in seconds; *events* of each time are handled by the next."""
    return [Step(later - earlier, count) for (earlier, later), count in zip(pairwise(moments), events, strict=False)]


def percentile_99(values: Sequence[float]) -> float:
    """Return the nearest-rank 99th percentile: a value that occurred."""
    return sorted(values)[-(-99 * len(values) // 100) - 1]
