"""Catalogue of symbols, with a version that changes whenever the public view does."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from simulator.dirty_rows import Changes, RowKind
from simulator.symbols.instrument import Instrument, Phase


@dataclass(frozen=True, slots=True)
class Delisted:
    symbol: str
    offline_ms: int


class Catalogue:
    def __init__(self, instruments: Iterable[Instrument], changes: Changes | None = None) -> None:
        self._changes = changes or Changes()
        self._instruments = {each.symbol: each for each in instruments}
        self._gone: dict[str, Delisted] = {}
        self._transitions: list[int] = []
        self.version = 0

    def advance(self, now_ms: int) -> None:
        """Apply the listings and openings due by *now_ms*."""
        while self._transitions and self._transitions[0] <= now_ms:
            heapq.heappop(self._transitions)
            self.version += 1

    def put(self, instrument: Instrument) -> None:
        """List a symbol, or replace its instrument."""
        self._instruments[instrument.symbol] = instrument
        self._note(instrument.symbol)
        self._gone.pop(instrument.symbol, None)
        for moment in instrument.transitions():
            heapq.heappush(self._transitions, moment)
        self.version += 1

    def remove(self, symbol: str, now_ms: int) -> None:
        self._note(symbol)
        self._instruments.pop(symbol, None)
        self._gone[symbol] = Delisted(symbol, now_ms)
        self.version += 1

    def get(self, symbol: str) -> Instrument | None:
        """Return the instrument, even if it is only announced."""
        return self._instruments.get(symbol)

    def delisted(self, symbol: str) -> Delisted | None:
        return self._gone.get(symbol)

    def is_fresh(self, symbol: str) -> bool:
        """Return whether the symbol was never listed nor announced."""
        return symbol not in self._instruments and symbol not in self._gone

    def listed(self, symbol: str, now_ms: int) -> Instrument | None:
        instrument = self._instruments.get(symbol)
        return instrument if instrument and instrument.listed_at_ms <= now_ms else None

    def all_listed(self, now_ms: int) -> list[Instrument]:
        return [each for each in self._in_lists() if each.listed_at_ms <= now_ms]

    def all_tradable(self, now_ms: int) -> list[Instrument]:
        return [each for each in self._in_lists() if each.tradable(now_ms)]

    def opening_after(self, moment_ms: int) -> list[Instrument]:
        """Return announced and listed symbols that open after *moment_ms*, soonest first."""
        later = (each for each in self._in_lists() if each.first_open_time_ms > moment_ms)
        return sorted(later, key=lambda each: each.first_open_time_ms)

    def offline(self, now_ms: int) -> tuple[list[Instrument], list[Delisted]]:
        """Return the suspended and the delisted symbols."""
        suspended = [each for each in self._in_lists() if each.phase(now_ms) is Phase.SUSPENDED]
        return suspended, list(self._gone.values())

    def _in_lists(self) -> Iterator[Instrument]:
        return (each for each in self._instruments.values() if each.in_lists)

    def _note(self, symbol: str) -> None:
        self._changes.note(RowKind.SYMBOL, symbol)
        self._changes.note(RowKind.DELISTED, symbol)
