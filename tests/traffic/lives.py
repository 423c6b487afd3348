"""The lives a symbol can have in a day: each writes the steps of one, from its first moment on. Pure.

What must be noticed stands for a quarter of an hour: that is nine seconds at a hundredth of the time, of which ingest
needs two for an exchangeInfo and some more after one that was not believed.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from tests.traffic.steps import Delist, List, Move, Pause, Resume, Step

MINUTE: Final = 60.0
AWAY_SURELY: Final = 33 * MINUTE
"""Absent for so long, a symbol is gone by any measure: ten minutes and five readings are needed."""
AWAY_HARDLY: Final = 3 * MINUTE
"""Absent for no longer, it is not."""

NOTICED_AFTER: Final = 5 * MINUTE
"""What a life leads to comes no closer to the end of the day."""

Life = Callable[[Random, str], Sequence[Step]]


def opens_at_once(_: Random, symbol: str) -> Sequence[Step]:
    return [Step(0, List(symbol))]


def opens_at_once_but_not_to_us(_: Random, symbol: str) -> Sequence[Step]:
    """Never among the default symbols."""
    return [Step(0, List(symbol, api=False))]


def opens_later(rng: Random, symbol: str) -> Sequence[Step]:
    return [Step(0, List(symbol, opens_in=rng.uniform(10, 30) * MINUTE))]


def opens_later_than_said(rng: Random, symbol: str) -> Sequence[Step]:
    return [Step(0, List(symbol, opens_in=10 * MINUTE, late_by=rng.uniform(2, 10) * MINUTE))]


def is_announced(rng: Random, symbol: str) -> Sequence[Step]:
    """In the calendar before anywhere else."""
    listed_in = rng.uniform(8, 12) * MINUTE
    return [Step(0, List(symbol, listed_in=listed_in, opens_in=listed_in + rng.uniform(0, 15) * MINUTE))]


def is_announced_and_never_comes(rng: Random, symbol: str) -> Sequence[Step]:
    return [Step(0, List(symbol, listed_in=25 * MINUTE, opens_in=30 * MINUTE)), Step(20 * MINUTE, Delist(symbol))]


def is_announced_and_moved(rng: Random, symbol: str) -> Sequence[Step]:
    """Before its listing, where it is not news to anyone."""
    announced = List(symbol, listed_in=20 * MINUTE, opens_in=25 * MINUTE)
    return [Step(0, announced), Step(8 * MINUTE, Move(symbol, rng.uniform(15, 25) * MINUTE))]


def is_put_off(rng: Random, symbol: str) -> Sequence[Step]:
    moves_at = rng.uniform(15, 17) * MINUTE
    return [Step(0, List(symbol, opens_in=20 * MINUTE)), Step(moves_at, Move(symbol, rng.uniform(16, 20) * MINUTE))]


def is_brought_forward(rng: Random, symbol: str) -> Sequence[Step]:
    moves_at = rng.uniform(15, 17) * MINUTE
    return [Step(0, List(symbol, opens_in=90 * MINUTE)), Step(moves_at, Move(symbol, rng.uniform(16, 20) * MINUTE))]


def is_listed_twice(rng: Random, symbol: str) -> Sequence[Step]:
    first, leaves_at = Step(0, List(symbol)), rng.uniform(3, 5) * MINUTE
    return [first, *(Step(leaves_at + step.at, step.action) for step in is_relisted(rng, symbol))]


def is_relisted(rng: Random, symbol: str) -> Sequence[Step]:
    """Of a symbol that is there."""
    return [Step(0, Delist(symbol)), Step(AWAY_SURELY + rng.uniform(0, 2) * MINUTE, List(symbol))]


def flickers(rng: Random, symbol: str) -> Sequence[Step]:
    """Away for a moment, as in an old cache."""
    leaves_at = rng.uniform(8, 15) * MINUTE
    return [
        Step(0, List(symbol)),
        Step(leaves_at, Delist(symbol)),
        Step(leaves_at + rng.uniform(1, 3) * MINUTE, List(symbol)),
    ]


def is_listed_and_paused(rng: Random, symbol: str) -> Sequence[Step]:
    first, pauses_at = Step(0, List(symbol)), rng.uniform(5, 10) * MINUTE
    return [first, *(Step(pauses_at + step.at, step.action) for step in is_paused(rng, symbol))]


def is_paused(rng: Random, symbol: str) -> Sequence[Step]:
    """Twice, and for longer than it takes to be gone."""
    resumes_at = rng.uniform(3, 20) * MINUTE
    again_at = resumes_at + rng.uniform(1, 5) * MINUTE
    return [
        Step(0, Pause(symbol)),
        Step(resumes_at, Resume(symbol)),
        Step(again_at, Pause(symbol)),
        Step(again_at + 3 * MINUTE, Resume(symbol)),
    ]
