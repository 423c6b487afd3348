"""The symbols of the exchange as they come and go. Its version changes whenever what the public sees does."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from simulator.changes import Changes, Kind
from simulator.symbols.instrument import Instrument, Phase


@dataclass(frozen=True, slots=True)
class Gone:
    symbol: str
    offline_ms: int


class Catalogue:
    def __init__(self, instruments: Iterable[Instrument], changes: Changes | None = None) -> None:
        self._changes = changes or Changes()
        self._instruments = {each.symbol: each for each in instruments}
        self._gone: dict[str, Gone] = {}
        self._transitions: list[int] = []
        self.version = 0

    def advance(self, now_ms: int) -> None:
        """Let the listings and openings due by *now_ms* happen."""
        while self._transitions and self._transitions[0] <= now_ms:
            heapq.heappop(self._transitions)
            self.version += 1

    def put(self, instrument: Instrument) -> None:
        """List a symbol, or replace what is known of it."""
        self._instruments[instrument.symbol] = instrument
        self._note(instrument.symbol)
        self._gone.pop(instrument.symbol, None)
        for moment in instrument.transitions():
            heapq.heappush(self._transitions, moment)
        self.version += 1

    def remove(self, symbol: str, now_ms: int) -> None:
        self._note(symbol)
        self._instruments.pop(symbol, None)
        self._gone[symbol] = Gone(symbol, now_ms)
        self.version += 1

    def get(self, symbol: str) -> Instrument | None:
        """Announced symbols too."""
        return self._instruments.get(symbol)

    def gone(self, symbol: str) -> Gone | None:
        return self._gone.get(symbol)

    def is_fresh(self, symbol: str) -> bool:
        """Whether it was never listed nor announced."""
        return symbol not in self._instruments and symbol not in self._gone

    def listed(self, symbol: str, now_ms: int) -> Instrument | None:
        instrument = self._instruments.get(symbol)
        return instrument if instrument and instrument.listed_at_ms <= now_ms else None

    def all_listed(self, now_ms: int) -> list[Instrument]:
        return [each for each in self._instruments.values() if each.listed_at_ms <= now_ms]

    def all_tradable(self, now_ms: int) -> list[Instrument]:
        return [each for each in self._instruments.values() if each.tradable(now_ms)]

    def opening_after(self, moment_ms: int) -> list[Instrument]:
        """Announced and listed symbols that open later than *moment_ms*, the soonest first."""
        later = (each for each in self._instruments.values() if each.first_open_time_ms > moment_ms)
        return sorted(later, key=lambda each: each.first_open_time_ms)

    def offline(self, now_ms: int) -> tuple[list[Instrument], list[Gone]]:
        """The suspended and the delisted."""
        suspended = [each for each in self._instruments.values() if each.phase(now_ms) is Phase.SUSPENDED]
        return suspended, list(self._gone.values())

    def _note(self, symbol: str) -> None:
        self._changes.note(Kind.SYMBOL, symbol)
        self._changes.note(Kind.GONE, symbol)
