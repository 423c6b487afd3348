"""Known rules of each symbol with their age, known openings and fees. Pure but for the clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from executor.decisions.freshness import KnownOpenings
from executor.pricing.taker_fees import TakerFees
from shared.events import Listing, TradingRules

_KEPT_MAX: Final = 1_000
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Learned:
    rules: TradingRules
    at: float


class SymbolRules:
    """Shared by purchases and sales: a sale soon after its purchase goes by the same rules."""

    def __init__(self, age_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Rules older than *age_seconds* are not fresh any more."""
        self._age_seconds = age_seconds
        self._clock = clock
        self._learned: dict[str, _Learned] = {}
        self._brought_at: dict[str, float] = {}
        """The time at which a purchase went by the rules of its listing."""
        self.openings = KnownOpenings()
        self.fees = TakerFees(clock)

    def fresh(self, symbol: str) -> TradingRules | None:
        """Return the rules that were read recently; None without any."""
        learned = self._learned.get(symbol)
        is_fresh = learned is not None and self._clock() - learned.at <= self._age_seconds
        return learned.rules if learned is not None and is_fresh else None

    def latest(self, listing: Listing) -> TradingRules | None:
        """Return the latest known rules, however old."""
        learned = self._learned.get(listing.symbol)
        return listing.rules if learned is None else learned.rules

    def learn(self, symbol: str, rules: TradingRules) -> None:
        """Keep *rules*, which were read now."""
        _kept(self._learned, symbol, _Learned(rules, self._clock()))

    def brought(self, symbol: str) -> None:
        """Record that a purchase goes by the rules of its listing, which is new."""
        _kept(self._brought_at, symbol, self._clock())

    def is_brought(self, symbol: str) -> bool:
        """Return whether a purchase recently went by the rules of its listing."""
        return self._clock() - self._brought_at.get(symbol, float("-inf")) <= self._age_seconds


def _kept(memory: dict[str, V], symbol: str, value: V) -> None:
    """Keep *value* as the newest entry; the oldest makes room."""
    memory.pop(symbol, None)
    while len(memory) >= _KEPT_MAX:
        memory.pop(next(iter(memory)))
    memory[symbol] = value
