"""Writes the script of a day from a seed. Pure: the same seed writes the same day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, cycle, islice
from random import Random
from types import MappingProxyType
from typing import Final

from simulator.symbols import symbol_generator
from tests.traffic import lives
from tests.traffic.lives import MINUTE, Life
from tests.traffic.steps import Action, Disconnect, List, Misread, Script, Step

FIRST_AT: Final = 1 * MINUTE
QUIET_AT_THE_END: Final = 3 * MINUTE
"""Two seconds at a hundredth of the time: duplicate or wrong events are published by then."""
SYMBOLS: Final = 2_000
SEED: Final = 1
_FRACTIONS: Final = (0.1, 0.85)
_GHOSTS: Final = (60, 400)


@dataclass(frozen=True, slots=True)
class Day:
    """How much happens."""

    minutes: float
    newcomers: Mapping[Life, int]
    """So many new symbols have each life."""
    veterans: Mapping[Life, int]
    """So many of those that were there before have each."""
    disconnects: int
    misreads: int


WHOLE_DAY: Final = Day(
    minutes=24 * 60,
    newcomers=MappingProxyType(
        {
            lives.opens_at_once: 110,
            lives.opens_at_once_but_not_to_us: 20,
            lives.opens_later: 60,
            lives.opens_later_than_said: 30,
            lives.is_announced: 40,
            lives.is_announced_and_never_comes: 10,
            lives.is_announced_and_moved: 20,
            lives.is_put_off: 40,
            lives.is_brought_forward: 20,
            lives.is_listed_twice: 40,
            lives.flickers: 20,
            lives.is_listed_and_paused: 40,
        }
    ),
    veterans=MappingProxyType({lives.is_relisted: 20, lives.is_paused: 60}),
    disconnects=200,
    misreads=50,
)
"""500 listings."""

ONE_HOUR: Final = Day(
    minutes=51,
    newcomers=MappingProxyType(dict.fromkeys(WHOLE_DAY.newcomers, 2) | {lives.opens_at_once: 6}),
    veterans=MappingProxyType({lives.is_relisted: 2, lives.is_paused: 3}),
    disconnects=8,
    misreads=3,
)
"""All that happens in a day, closer together."""


def script_of(day: Day, seed: int = SEED) -> Script:
    """Write *day*."""
    rng, seconds = Random(seed), day.minutes * MINUTE
    until = seconds - QUIET_AT_THE_END
    steps = [
        *_lived(rng, day.newcomers, _new_symbols(), until),
        *_lived(rng, day.veterans, iter(_old_symbols(rng)), until),
        *_spread(rng, [Disconnect()] * day.disconnects, until),
        *_spread(rng, islice(_misreads(rng), day.misreads), until),
    ]
    return Script(tuple(sorted(steps, key=lambda step: step.at)), seconds)


def old_symbols() -> Sequence[str]:
    """Return the symbols that are there before the day begins."""
    return [each.symbol for each in symbol_generator.initial(SYMBOLS, SEED, 0)]


def _old_symbols(rng: Random) -> Sequence[str]:
    return rng.sample([symbol for symbol in old_symbols() if symbol.isascii()], k=SYMBOLS // 2)


def _new_symbols() -> Iterator[str]:
    return (f"DAY{number}{'USDC' if number % 10 == 0 else 'USDT'}" for number in count(1))


def _lived(rng: Random, many: Mapping[Life, int], symbols: Iterator[str], until: float) -> Iterator[Step]:
    for life, number in many.items():
        for _ in range(number):
            steps = life(rng, next(symbols))
            starts_at = rng.uniform(FIRST_AT, until - _length(steps))
            for step in steps:
                yield Step(starts_at + step.at, step.action)


def _length(steps: Iterable[Step]) -> float:
    """From the first step until what the last one leads to must have been noticed."""
    return max(step.at + _shown_after(step.action) for step in steps) + lives.NOTICED_AFTER


def _shown_after(action: Action) -> float:
    return action.listed_in if isinstance(action, List) else 0


def _spread(rng: Random, actions: Iterable[Action], until: float) -> Iterator[Step]:
    """Spread *actions* so that no two are close: each must have had its effect before the next."""
    actions = tuple(actions)
    gap = (until - FIRST_AT) / len(actions)
    for number, action in enumerate(actions):
        yield Step(FIRST_AT + gap * (number + rng.uniform(0.4, 0.6)), action)


def _misreads(rng: Random) -> Iterator[Misread]:
    for fault in cycle(("exchange_info_empty", "exchange_info_shrunk", "exchange_info_swollen")):
        match fault:
            case "exchange_info_shrunk":
                yield Misread(fault, "fraction", rng.uniform(*_FRACTIONS))
            case "exchange_info_swollen":
                yield Misread(fault, "extra", rng.randint(*_GHOSTS))
            case _:
                yield Misread(fault)
