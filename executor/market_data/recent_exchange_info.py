"""What exchangeInfo has just said of a symbol: two who ask for it beside one order ask once."""

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

        Who no longer waits ends no question that others wait for.
        """
        self._forget_old()
        asked = self._asked.get(symbol)
        if asked is None:
            answer = asyncio.create_task(self._rest.symbol_rules(symbol), name=f"exchangeInfo-{symbol}")
            asked = self._asked[symbol] = _Asked(answer, self._clock())
        return await asyncio.shield(asked.answer)

    def _forget_old(self) -> None:
        oldest = self._clock() - RECENT_SECONDS
        self._asked = {symbol: each for symbol, each in self._asked.items() if _is_usable(each, oldest)}


def _is_usable(asked: _Asked, oldest: float) -> bool:
    """Tell whether what was *asked* is under way, or was answered since *oldest*; a failure is asked for again."""
    if not asked.answer.done():
        return True
    return asked.at >= oldest and not asked.answer.cancelled() and asked.answer.exception() is None
