"""What is known of a market when an order for it is made: prices, and what the exchange demands."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from executor.entry import Market
from executor.order import Order
from executor.settings import EntrySettings
from shared.events import Listing, TradingRules
from shared.mexc.payloads import OrderBook
from shared.mexc.rest import MexcRest
from shared.mexc.symbols import SymbolInfo

BOOK_LEVELS: Final = 100
_KEPT_MAX: Final = 1_000

NO_MARKET: Final = Market(reference=None, book=None, first_price=None)


@dataclass(frozen=True, slots=True)
class View:
    """What an order is made from."""

    market: Market
    rules: TradingRules | None


class Markets:
    """Asks the exchange for what the listing did not bring along, and nothing else. Raises ExchangeError."""

    def __init__(self, rest: MexcRest, settings: EntrySettings) -> None:
        self._rest = rest
        self._settings = settings
        self._rules: dict[str, TradingRules] = {}

    def at_hand(self, listing: Listing) -> View | None:
        """Return what a purchase needs, where that takes no question: then it costs no time."""
        rules = listing.rules or self._rules.get(listing.symbol)
        market = Market(reference=listing.price, book=None, first_price=None)
        if self._settings.entry == "market":
            wanted = not self._gated
        else:
            wanted = listing.price is not None and rules is not None and not self._gated
        return View(market, rules) if wanted else None

    async def look(self, order: Order) -> View:
        """Return the market of *order* as it is now."""
        symbol = order.symbol
        async with asyncio.TaskGroup() as tasks:
            book = tasks.create_task(self._rest.depth(symbol, BOOK_LEVELS), name=f"depth-{symbol}")
            rules = tasks.create_task(self.rules(order.listing), name=f"rules-{symbol}")
            first = tasks.create_task(self._first_price(symbol), name=f"first-price-{symbol}")
        return View(_market(order.listing, book.result(), first.result()), rules.result())

    async def rules(self, listing: Listing) -> TradingRules | None:
        """Return what the exchange demands of orders on the symbol of *listing*."""
        known = self._rules.get(listing.symbol) or listing.rules
        if known is None:
            info = await self._rest.symbol_rules(listing.symbol)
            if info is None:
                return None
            known = rules_of(info)
        if len(self._rules) >= _KEPT_MAX:
            self._rules.pop(next(iter(self._rules)))
        self._rules[listing.symbol] = known
        return known
