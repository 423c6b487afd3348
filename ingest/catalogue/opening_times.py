"""Which opening time to believe, when two tell it, move it, and take it back."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from ingest.catalogue.thresholds import Rules


class Teller(Enum):
    """Who names opening times."""

    EXCHANGE_INFO = auto()
    CALENDAR = auto()


@dataclass(slots=True)
class _Word:
    """What one teller says of one symbol."""

    opens_at: datetime
    past: set[datetime] = field(default_factory=set)
    """What it said before."""
    again: datetime | None = None
    agreeing: int = 0
    """How often in a row it has gone back to `again`."""


class Openings:
    """Remembers who said what about symbols that do not trade yet.

    The latest change wins, whoever tells it; two who merely disagree change nothing. exchangeInfo is believed at its
    first word, the calendar only where exchangeInfo has none. A time that was taken back before may come from an old
    cache, so it has to be repeated.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._words: dict[str, dict[Teller, _Word]] = {}
        self._silent: set[str] = set()
        """Of these exchangeInfo names no time."""

    def believe(self, symbol: str, teller: Teller, told: datetime | None, current: datetime | None) -> datetime | None:
        """Return when *symbol* opens, now that *teller* says *told* and *current* was believed so far."""
        if told is None:
            self._silent.add(symbol)
            return current
        if teller is Teller.EXCHANGE_INFO:
            self._silent.discard(symbol)
        words = self._words.setdefault(symbol, {})
        word = words.get(teller)
        if word is not None:
            return told if self._is_news(word, told) else current
        is_believed = teller is Teller.EXCHANGE_INFO or current is None or symbol in self._silent
        if is_believed or Teller.EXCHANGE_INFO in words:
            words[teller] = _Word(told)
        # Otherwise the time known from before a restart stands until exchangeInfo has had its say.
        return told if is_believed else current

    def forget(self, symbol: str) -> None:
        self._words.pop(symbol, None)
        self._silent.discard(symbol)

    def _is_news(self, word: _Word, told: datetime) -> bool:
        if told == word.opens_at:
            word.agreeing = 0
            return False
        if told in word.past:
            word.agreeing = word.agreeing + 1 if told == word.again else 1
            word.again = told
            if word.agreeing < self._rules.gone_reads:
                return False
        elif len(word.past) >= self._rules.moves_max:
            return False
        word.past.add(word.opens_at)
        word.opens_at, word.agreeing = told, 0
        return True
