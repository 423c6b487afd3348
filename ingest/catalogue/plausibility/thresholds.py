"""How much evidence it takes to believe something."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Thresholds:
    gone_reads: int = 5
    """Snapshots in a row without a symbol, and ..."""
    gone_after: timedelta = timedelta(minutes=10)
    """... the time between the first of them and the last, before the symbol is gone."""
    shrunken_percent: int = 10
    """An answer that lacks more of what it showed before is not believed at once."""
    swollen_max: int = 50
    """Nor is one that shows more new symbols at once. For tickers, which show no whole: more within the hour."""
    blind_after: timedelta = timedelta(seconds=15)
    """Without evidence for longer, what then appears may have been there for a while."""
    assume_trading_after: timedelta = timedelta(hours=1)
    """A symbol that has been among the tradable names for so long trades, even if no trade of it was seen."""
    late_opening_max: timedelta = timedelta(hours=24)
    """How long after its time a symbol that does not trade is still expected to."""
    on_time: timedelta = timedelta(seconds=10)
    """A first trade that is earlier or later than the opening by more means that the opening has moved."""
    watch_min: timedelta = timedelta(seconds=10)
    """The tickers must have been watched for so long before a first sign of trading counts as the opening itself."""
    fresh_for: timedelta = timedelta(minutes=2)
    """A symbol that appears later than this after its opening appears late. Who buys goes by the opening itself."""
    moves_max: int = 20
    """Opening times believed of one symbol; who names more makes them up."""
    symbols_max: int = 100_000
    """Symbols kept; beyond it nothing is believed to be new."""
