"""The order in which newcomers get their scenarios: first one of each, then rounds as a seed shuffles them. Pure."""

from typing import Final

from simulator.symbols.draws import draws
from simulator.symbols.scenarios import Scenario

FIRST_ACT: Final = (
    Scenario.SPIKE_AND_FADE,
    Scenario.NOTHING_HAPPENS,
    Scenario.DELAYED_OPENING,
    Scenario.CRASH_AT_ONCE,
    Scenario.SLOW_GRIND,
    Scenario.THIN_BOOK,
    Scenario.HALTED_AFTER_A_MINUTE,
)
"""Each scenario once, so ordered that all have been watched to their end as soon as can be."""
ROUND: Final = (*FIRST_ACT, Scenario.CRASH_AT_ONCE, Scenario.NOTHING_HAPPENS)
"""What a round holds later: most newcomers do not rise."""


def scenario_of(number: int, seed: int) -> Scenario:
    """The scenario of newcomer *number*, counted from 0 since the exchange started."""
    if number < len(FIRST_ACT):
        return FIRST_ACT[number]
    turn, place = divmod(number - len(FIRST_ACT), len(ROUND))
    return sorted(enumerate(ROUND), key=lambda each: draws("round", seed, turn, each[0]))[place][1]


def named(symbol: str, scenario: Scenario) -> str:
    """*symbol* as a newcomer with that scenario is called: leveraged tokens are what has thin books."""
    return f"{symbol.removesuffix('USDT')}3LUSDT" if scenario is Scenario.THIN_BOOK else symbol
