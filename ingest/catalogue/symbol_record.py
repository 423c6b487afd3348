"""One symbol and where it stands in its life."""

from datetime import datetime
from enum import StrEnum

import msgspec

from shared.mexc.symbols import split_symbol


class SymbolState(StrEnum):
    """Where a symbol stands in its life on the exchange."""

    ANNOUNCED = "announced"
    """To be listed; no list shows it yet."""
    LISTED = "listed"
    """Shown, and not known to trade yet."""
    TRADABLE = "tradable"
    SUSPENDED = "suspended"
    """Trading, or was, and we could not trade it now."""
    GONE = "gone"
    """Confirmed to be shown no more; its return is a new listing."""


class SymbolRecord(msgspec.Struct, frozen=True, gc=False):
    """What outlives a restart of one symbol. The quote is empty where no known quote asset fits the name.

    There are thousands, and the garbage collector stops everything while it looks at them: it need not.
    """

    symbol: str
    state: SymbolState
    base_asset: str
    quote_asset: str
    first_seen_at: datetime
    """In this occurrence."""
    opens_at: datetime | None = None
    occurrence: int = 1
    """Of the listing it is in, or while announced, will be in."""
    published: bool = False
    """Whether this occurrence was published; the baseline never is."""
    trading_since: datetime | None = None
    """When it was first known for sure to trade."""
    gone_since: datetime | None = None

    @property
    def is_shown(self) -> bool:
        """Neither still to come nor gone."""
        return self.state not in {SymbolState.ANNOUNCED, SymbolState.GONE}

    def opens_after(self, moment: datetime) -> bool:
        return self.opens_at is not None and self.opens_at > moment


def record_of_name(symbol: str, observed_at: datetime, state: SymbolState = SymbolState.LISTED) -> SymbolRecord:
    """Return a symbol of which only the name is known."""
    pair = split_symbol(symbol)
    base, quote = pair or (symbol, "")
    return SymbolRecord(symbol, state, base, quote, observed_at)
