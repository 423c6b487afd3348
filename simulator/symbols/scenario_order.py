"""Order of the scenarios given to newcomers: first one of each, then rounds shuffled by a seed. Pure."""

from typing import Final

from simulator.symbols.draws import draws
from simulator.symbols.scenarios import Scenario

FIRST_ROUND: Final = (
    Scenario.SPIKE_AND_FADE,
    Scenario.NOTHING_HAPPENS,
    Scenario.DELAYED_OPENING,
    Scenario.CRASH_AT_ONCE,
    Scenario.SLOW_GRIND,
    Scenario.THIN_BOOK,
    Scenario.HALTED_AFTER_A_MINUTE,
)
"""Each scenario once, ordered so that all have ended as early as possible."""
LATER_ROUND: Final = (*FIRST_ROUND, Scenario.CRASH_AT_ONCE, Scenario.NOTHING_HAPPENS)
"""Scenarios of later rounds: most newcomers do not rise."""


def scenario_of(number: int, seed: int) -> Scenario:
    """Return the scenario of newcomer *number*, counted from 0 since the exchange started."""
    if number < len(FIRST_ROUND):
        return FIRST_ROUND[number]
    turn, place = divmod(number - len(FIRST_ROUND), len(LATER_ROUND))
    return sorted(enumerate(LATER_ROUND), key=lambda each: draws("round", seed, turn, each[0]))[place][1]


def scenario_symbol(symbol: str, scenario: Scenario) -> str:
    """Return *symbol*, named as a leveraged token if its scenario is a thin book."""
    return f"{symbol.removesuffix('USDT')}3LUSDT" if scenario is Scenario.THIN_BOOK else symbol
