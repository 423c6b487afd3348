"""Evidence of trading from tickers: a symbol that ticked before its opening has to show another price."""

from datetime import datetime
from decimal import Decimal

from ingest.source_events import PriceOf


class TradingSigns:
    def __init__(self) -> None:
        self._early: dict[str, Decimal | None] = {}
        """Prices of symbols that ticked before their opening."""
        self._ticker_only: set[str] = set()
        """Symbols whose opening is known from a ticker alone."""

    def note_early(self, symbol: str, price_of: PriceOf) -> None:
        """Note a ticker of *symbol* before its opening."""
        if symbol not in self._early:
            self._early[symbol] = price_of(symbol)

    def shows_trading(self, symbol: str, price_of: PriceOf) -> bool:
        """Return whether a ticker after the opening shows trading: the first one, or one with another price."""
        if symbol not in self._early:
            return True
        price = price_of(symbol)
        return price is not None and price != self._early[symbol]

    def note_ticker_only(self, symbol: str) -> None:
        """Note that the opening of *symbol* was published because of a ticker."""
        self._ticker_only.add(symbol)

    def prove(self, symbol: str) -> None:
        """Note a trade or a two-sided book of *symbol*."""
        self._ticker_only.discard(symbol)

    def yields_to(self, symbol: str, opens_at: datetime, at: datetime) -> bool:
        """Return whether the exchange's opening *opens_at* of *symbol*, after *at*, outweighs its tickers."""
        if symbol not in self._ticker_only or opens_at <= at:
            return False
        self._ticker_only.discard(symbol)
        return True

    def forget(self, symbol: str) -> None:
        self._early.pop(symbol, None)
        self._ticker_only.discard(symbol)
