"""Expected results of a script, whatever the machine under test makes of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.events import ListingKey
from tests.traffic.lives import AWAY_HARDLY, AWAY_SURELY
from tests.traffic.steps import Delist, Disconnect, List, Misread, Move, Script, Step


@dataclass(slots=True)
class Truth:
    opening: dict[ListingKey, Step] = field(default_factory=dict)
    """Each listing, and which step said when it opens, as it stood when it was listed."""
    moves: list[Step] = field(default_factory=list)
    """Openings that moved after the listing."""
    disconnects: int = 0
    misreads: int = 0


def truth_of(script: Script, old: Iterable[str]) -> Truth:
    """Return what *script* amounts to where *old* were there before it begins."""
    scribe = _Scribe(old)
    for step in script.steps:
        scribe.read(step)
    return scribe.truth


class _Scribe:
    def __init__(self, old: Iterable[str]) -> None:
        self.truth = Truth()
        self._occurrences = dict.fromkeys(old, 1)
        self._left_at: dict[str, float] = {}
        self._shown_at: dict[str, float] = {}

    def read(self, step: Step) -> None:
        match step.action:
            case List():
                self._listed(step, step.action)
            case Move(symbol) if step.at < self._shown_at[symbol]:
                self.truth.opening[self._key(symbol)] = step
            case Move():
                self.truth.moves.append(step)
            case Delist(symbol) if step.at < self._shown_at.get(symbol, 0):
                del self.truth.opening[self._key(symbol)]
            case Delist(symbol):
                self._left_at[symbol] = step.at
            case Disconnect():
                self.truth.disconnects += 1
            case Misread():
                self.truth.misreads += 1

    def _listed(self, step: Step, listed: List) -> None:
        away = step.at - self._left_at.get(listed.symbol, float("-inf"))
        if away <= AWAY_HARDLY:
            return
        if away < AWAY_SURELY:
            raise ValueError(f"nobody can tell whether {listed.symbol} was gone")
        self._occurrences[listed.symbol] = self._occurrences.get(listed.symbol, 0) + 1
        self._shown_at[listed.symbol] = step.at + listed.listed_in
        self.truth.opening[self._key(listed.symbol)] = step

    def _key(self, symbol: str) -> ListingKey:
        return ListingKey(f"{symbol}:{self._occurrences[symbol]}")
