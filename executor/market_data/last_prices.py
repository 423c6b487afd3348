"""Prices of the last trades, by which the exchange's price protection goes."""

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Final

import structlog

from executor.pricing import is_plausible
from shared.mexc.errors import ExchangeError
from shared.mexc.market_data import MexcMarketData

log = structlog.get_logger(__name__)

LAST_TRADES: Final = 10
RECENT_SECONDS: Final = 3.0
"""The age up to which a last price fits a sale's floor; a refusal for the price has it read again."""
APART_SECONDS: Final = 0.5
"""A last price read so recently is not read again for another refusal."""
READ_SECONDS: Final = 0.3
"""How long an order waits for the last price."""


class LastPrices:
    def __init__(self, rest: MexcMarketData, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest = rest
        self._clock = clock
        self._prices: dict[str, tuple[Decimal, float]] = {}

    async def read(self, symbol: str) -> Decimal | None:
        """Return the price of the last trade; None without trades. Raises ExchangeError."""
        trades = await self._rest.recent_trades(symbol, LAST_TRADES)
        if not trades or not is_plausible(trades[-1].price):
            return None
        now = self._clock()
        self._prices = {each: seen for each, seen in self._prices.items() if now - seen[1] <= RECENT_SECONDS}
        self._prices[symbol] = (trades[-1].price, now)
        return trades[-1].price

    async def within(self, symbol: str, age_seconds: float) -> Decimal | None:
        """Return a last price no older than *age_seconds*, read where none is known; None where it cannot be soon."""
        seen = self._prices.get(symbol)
        if seen is not None and self._clock() - seen[1] <= age_seconds:
            return seen[0]
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await self.read(symbol)
        except (ExchangeError, TimeoutError) as error:
            log.info("the last price was not learned", symbol=symbol, reason=repr(error))
            return None
