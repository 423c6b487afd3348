"""Recent exchangeInfo of a symbol: two callers beside one order share one request."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shared.mexc.market_data import MexcMarketData
from shared.mexc.symbols import SymbolInfo

RECENT_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Asked:
    answer: asyncio.Task[SymbolInfo | None]
    at: float


class RecentExchangeInfo:
    def __init__(self, rest: MexcMarketData, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest = rest
        self._clock = clock
        self._asked: dict[str, _Asked] = {}

    async def symbol_rules(self, symbol: str) -> SymbolInfo | None:
        """Return what exchangeInfo says of *symbol*; None where it does not know it. Raises ExchangeError.

        A caller that is cancelled does not cancel the request of the others.
        """
        oldest = self._clock() - RECENT_SECONDS
        self._asked = {name: each for name, each in self._asked.items() if _is_usable(each, oldest)}
        asked = self._asked.get(symbol)
        if asked is None:
            answer = asyncio.create_task(self._rest.symbol_rules(symbol), name=f"exchangeInfo-{symbol}")
            asked = self._asked[symbol] = _Asked(answer, self._clock())
        return await asyncio.shield(asked.answer)


def _is_usable(asked: _Asked, oldest: float) -> bool:
    """Return whether *asked* is under way, or was answered since *oldest*; a failed request is repeated."""
    if not asked.answer.done():
        return True
    return asked.at >= oldest and not asked.answer.cancelled() and asked.answer.exception() is None
