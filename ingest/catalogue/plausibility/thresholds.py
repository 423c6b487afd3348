"""Thresholds for accepting source events."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ingest.settings import IngestSettings

FRESH_FOR: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Thresholds:
    gone_reads: int = 5
    """Consecutive snapshots without a symbol, and ..."""
    gone_after: timedelta = timedelta(minutes=10)
    """... time between the first of them and the last, before the symbol is gone."""
    shrunken_percent: int = 10
    """Share of symbols an answer may lack before it is quarantined."""
    swollen_max: int = 50
    """New symbols an answer may show before it is quarantined; for tickers, which show no complete list, per hour."""
    blind_after: timedelta = timedelta(seconds=15)
    """Gap in coverage after which new symbols count as late."""
    late_opening_max: timedelta = timedelta(hours=24)
    """Time after its opening during which a symbol that does not trade is still expected to. One that is among the
    tradable names for longer counts as trading, even without a trade seen."""
    on_time: timedelta = timedelta(seconds=10)
    """Tolerance between an opening and the first trade; beyond it the opening counts as moved."""
    watch_min: timedelta = timedelta(seconds=10)
    """Coverage by tickers that is needed before a first sign of trading counts as the opening itself, at least ..."""
    watch_max: timedelta = timedelta(minutes=1)
    """... and at most. A symbol that was there before a gap in coverage is to be missing for as long as the gap was:
    frames of tickers may leave out what has not changed, and with it a coin that trades rarely."""
    fresh_for: timedelta = FRESH_FOR
    """Delay after its opening beyond which a new symbol counts as late. Purchases go by the opening itself."""
    moves_max: int = 20
    """Opening times accepted per symbol; a source that states more is wrong."""
    symbols_max: int = 100_000
    """Symbols kept; further ones are rejected."""

    @classmethod
    def of(cls, settings: IngestSettings) -> "Thresholds":
        return cls(
            gone_reads=settings.gone_reads,
            gone_after=timedelta(seconds=settings.gone_seconds),
            blind_after=timedelta(seconds=settings.default_symbols_seconds + settings.stall_seconds),
        )
