"""Interleaved samples of the floor and of ours, so that drifts of the machine affect both."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

T = TypeVar("T")

Sample = Callable[[int], Awaitable[T]]
"""Takes the sample of this number."""

PACE_SECONDS: Final = (0.140, 0.180)
"""Interval of samples. Real listings are minutes apart: each finds the pipeline idle, with its predecessor's rows
stored, which takes 50 ms or more after its order."""
BLOCK: Final = 25
ROUNDS_MAX: Final = 2
SAMPLES_PER_ROUND: Final = 10

Pause = Callable[[], Awaitable[None]]
"""Waits until the effects of our samples have settled."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Number of samples of the floor and of ours."""

    samples: int
    warmups: int

    @property
    def rounds(self) -> int:
        """Number of throughput rounds."""
        return min(ROUNDS_MAX, -(-self.samples // SAMPLES_PER_ROUND))

    @property
    def block(self) -> int:
        return min(BLOCK, self.samples)

    @property
    def quarter(self) -> "Plan":
        """The plan of a variant, and of samples that take seconds each."""
        return Plan(-(-self.samples // 4), -(-self.warmups // 4))


async def interleaved(floor: Sample[T], ours: Sample[T], plan: Plan, pause: Pause) -> tuple[list[T], list[T]]:
    """Return the samples of both, without their warm-ups; there is a *pause* after each block of ours."""
    taken: tuple[list[T], list[T]] = ([], [])
    both = tuple(zip((floor, ours), taken, strict=True))
    for sample, kept in both:
        await _block(sample, kept, plan.warmups)
        kept.clear()
    await pause()
    while len(taken[0]) < plan.samples:
        count = min(plan.block, plan.samples - len(taken[0]))
        for sample, kept in both:
            await _block(sample, kept, count, first=plan.warmups + len(kept))
        await pause()
    return taken


async def _block(sample: Sample[T], kept: list[T], count: int, first: int = 0) -> None:
    loop = asyncio.get_running_loop()
    for number in range(first, first + count):
        due = loop.time() + random.uniform(*PACE_SECONDS)
        kept.append(await sample(number))
        await asyncio.sleep(max(0.0, due - loop.time()))
