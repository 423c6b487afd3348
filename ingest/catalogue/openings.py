"""Openings of symbols: the times that sources state, and the signs of trading that outweigh them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto

from ingest.catalogue.plausibility.thresholds import Thresholds
from ingest.source import PriceOf


class OpeningSource(Enum):
    """Sources of opening times."""

    EXCHANGE_INFO = auto()
    CALENDAR = auto()


@dataclass(slots=True)
class _Statement:
    """Latest opening time of one symbol by one source."""

    opens_at: datetime
    past: set[datetime] = field(default_factory=set)
    """Earlier times by the same source."""
    repeated: datetime | None = None
    repeats: int = 0
    """Number of repetitions of `repeated` in a row."""


class OpeningTimes:
    """Opening times by source, of symbols that do not trade yet.

    The latest change wins, whichever source makes it; two sources that merely differ change nothing. exchangeInfo is
    accepted at its first statement, the calendar only where exchangeInfo has none. A time that was retracted before may
    come from a stale cache, so it has to be repeated.

    After a restart exchangeInfo may still state the time that the calendar moved an opening away from. That is no
    change, so the opening stays until one of them changes its statement, or both agree on the earlier time.
    """

    def __init__(self, thresholds: Thresholds, moved_from: Iterable[tuple[str, datetime]] = ()) -> None:
        """*moved_from* has the symbols whose opening moved before the start, each with its time before that."""
        self._thresholds = thresholds
        self._moved_from = dict(moved_from)
        self._statements: dict[str, dict[OpeningSource, _Statement]] = {}
        self._without_time: set[str] = set()
        """Symbols for which exchangeInfo has no time."""

    def resolve(
        self, symbol: str, source: OpeningSource, stated: datetime | None, current: datetime | None
    ) -> datetime | None:
        """Return the opening of *symbol* after *source* has stated *stated*, where *current* was accepted before."""
        if stated is None:
            self._without_time.add(symbol)
            return current
        if source is OpeningSource.EXCHANGE_INFO:
            self._without_time.discard(symbol)
        statements = self._statements.setdefault(symbol, {})
        statement = statements.get(source)
        if statement is not None:
            return stated if self._accept(statement, stated) else current
        exchange = statements.get(OpeningSource.EXCHANGE_INFO)
        if source is OpeningSource.EXCHANGE_INFO:
            is_accepted = current is None or stated != self._moved_from.get(symbol)
        else:
            is_confirmed = exchange is not None and stated == exchange.opens_at
            is_accepted = current is None or symbol in self._without_time or is_confirmed
        if is_accepted or exchange is not None or source is OpeningSource.EXCHANGE_INFO:
            statements[source] = _Statement(stated)
        # Otherwise the time known from before a restart stands until exchangeInfo states one.
        return stated if is_accepted else current

    def forget(self, symbol: str) -> None:
        self._moved_from.pop(symbol, None)
        self._statements.pop(symbol, None)
        self._without_time.discard(symbol)

    def _accept(self, statement: _Statement, stated: datetime) -> bool:
        if stated == statement.opens_at:
            statement.repeats = 0
            return False
        if stated in statement.past:
            statement.repeats = statement.repeats + 1 if stated == statement.repeated else 1
            statement.repeated = stated
            if statement.repeats < self._thresholds.gone_reads:
                return False
        elif len(statement.past) >= self._thresholds.moves_max:
            return False
        statement.past.add(statement.opens_at)
        statement.opens_at, statement.repeats = stated, 0
        return True


class TradingSigns:
    def __init__(self) -> None:
        self._early: dict[str, Decimal | None] = {}
        """Prices of symbols that ticked before their opening."""
        self._ticker_only: set[str] = set()
        """Symbols whose opening is known from a ticker alone."""
        self._proven: set[str] = set()
        """Symbols with a trade or a two-sided book."""

    def note_early(self, symbol: str, price_of: PriceOf) -> None:
        """Note a ticker of *symbol* before its opening."""
        if symbol not in self._early:
            self._early[symbol] = price_of(symbol)

    def came_early(self, symbol: str) -> bool:
        """Return whether a ticker of *symbol* came before its opening."""
        return symbol in self._early

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
        self._proven.add(symbol)

    def is_proven(self, symbol: str) -> bool:
        """Return whether *symbol* was seen to trade, so that no stated opening counts any more."""
        return symbol in self._proven

    def yields_to(self, symbol: str, opens_at: datetime, at: datetime) -> bool:
        """Return whether the exchange's opening *opens_at* of *symbol*, after *at*, outweighs its tickers."""
        if symbol not in self._ticker_only or opens_at <= at:
            return False
        self._ticker_only.discard(symbol)
        return True

    def forget(self, symbol: str) -> None:
        self._early.pop(symbol, None)
        self._ticker_only.discard(symbol)
        self._proven.discard(symbol)
