"""Opening times from two sources that set, move and retract them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from ingest.catalogue.plausibility.thresholds import Thresholds


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
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._words: dict[str, dict[OpeningSource, _Statement]] = {}
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
        statements = self._words.setdefault(symbol, {})
        statement = statements.get(source)
        if statement is not None:
            return stated if self._accept(statement, stated) else current
        is_believed = source is OpeningSource.EXCHANGE_INFO or current is None or symbol in self._without_time
        if is_believed or OpeningSource.EXCHANGE_INFO in statements:
            statements[source] = _Statement(stated)
        # Otherwise the time known from before a restart stands until exchangeInfo states one.
        return stated if is_believed else current

    def forget(self, symbol: str) -> None:
        self._words.pop(symbol, None)
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
