"""Record of one symbol, with its state on the exchange."""

from datetime import datetime
from enum import StrEnum

import msgspec

from shared.mexc.symbols import split_symbol


class SymbolState(StrEnum):
    """State of a symbol on the exchange."""

    ANNOUNCED = "announced"
    """Announced by the calendar; on no list yet."""
    LISTED = "listed"
    """On a list, and not known to trade yet."""
    TRADABLE = "tradable"
    SUSPENDED = "suspended"
    """Traded before, and closed to us now."""
    GONE = "gone"
    """Confirmed as delisted; its return is a new listing."""


class SymbolRecord(msgspec.Struct, frozen=True, gc=False):
    """State of one symbol that survives a restart. The quote asset is empty where no known one fits the name.

    Without garbage collection: there are thousands, and each collection would scan them all.
    """

    symbol: str
    state: SymbolState
    base_asset: str
    quote_asset: str
    first_seen_at: datetime
    """Within this occurrence."""
    opens_at: datetime | None = None
    occurrence: int = 1
    """Number of the listing; while announced, of the coming one."""
    published: bool = False
    """Whether this occurrence was published; the baseline never is."""
    trading_since: datetime | None = None
    """First time at which it certainly traded."""
    gone_since: datetime | None = None

    @property
    def is_shown(self) -> bool:
        """Return whether it is neither announced nor gone."""
        return self.state not in {SymbolState.ANNOUNCED, SymbolState.GONE}

    def opens_after(self, moment: datetime) -> bool:
        return self.opens_at is not None and self.opens_at > moment


def record_of_name(symbol: str, observed_at: datetime, state: SymbolState = SymbolState.LISTED) -> SymbolRecord:
    """Return a record of a symbol known by its name alone."""
    pair = split_symbol(symbol)
    base, quote = pair or (symbol, "")
    return SymbolRecord(symbol, state, base, quote, observed_at)
