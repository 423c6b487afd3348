"""The questions of paper orders, each by the way that its weight allows."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared.mexc.market_data import MexcMarketData
from shared.mexc.payloads import OrderBook, PublicTrade
from shared.mexc.symbols import SymbolInfo


@dataclass(frozen=True, slots=True)
class PaperQuestions:
    """Questions beside the book weigh as much as ten books: they must hold up no order's book, and no sale."""

    rest: MexcMarketData
    """For what an order is filled by: with the reserve of its side."""
    aside: MexcMarketData
    """For questions that are given up where the limits do not allow them in time."""
    described: Callable[[str], Awaitable[SymbolInfo | None]]
    """Asks exchangeInfo by the same way, for others too."""

    async def depth(self, symbol: str, limit: int) -> OrderBook:
        return await self.rest.depth(symbol, limit)

    async def symbol_rules(self, symbol: str) -> SymbolInfo | None:
        return await self.described(symbol)

    async def recent_trades(self, symbol: str, limit: int) -> Sequence[PublicTrade]:
        return await self.aside.recent_trades(symbol, limit)
