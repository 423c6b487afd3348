"""What is known of a market when an order for it is made: prices, and what the exchange demands."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import structlog

from executor.market import Market, reference_price
from executor.order import Order
from executor.settings import EntrySettings
from shared.events import Listing, TradingRules
from shared.mexc.errors import ExchangeError, RateLimited
from shared.mexc.rest import MexcRest
from shared.trading_rules import rules_of

log = structlog.get_logger(__name__)

BOOK_LEVELS: Final = 100
_KEPT_MAX: Final = 1_000
_SINGLY_MAX: Final = 3
_BEST: Final = 5

Bids = Mapping[str, Decimal | None]
"""The best bid by symbol. None: nobody buys. A symbol that is missing: it could not be learned."""


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
        """Return what a purchase may be made from without a question, which would cost time; None where one is needed.

        The rules may be missing: without them an order is rounded more coarsely.
        """
        if self._gated or (self._settings.entry == "capped" and listing.price is None):
            return None
        market = Market(reference=listing.price, book=None, first_price=None)
        return View(market, listing.rules or self._rules.get(listing.symbol))

    async def look(self, order: Order) -> View:
        """Return the market of *order* as it is now."""
        symbol = order.symbol
        book, rules, first_price = await asyncio.gather(
            self._rest.depth(symbol, BOOK_LEVELS), self.rules(order.listing), self._first_price(symbol)
        )
        # What a coin cost when it was seen is long ago for an order that waited.
        seen = order.listing.price if order.fire_at is None else None
        return View(Market(reference_price(seen, book), book, first_price), rules)

    async def best_bids(self, symbols: Collection[str]) -> Bids:
        """Return what is paid for each of *symbols* now, as far as that can be learned."""
        if len(symbols) > _SINGLY_MAX:  # From here on, all symbols cost less weight than each of these.
            tickers = await self._rest.book_tickers()
            return {each.symbol: each.bid_price or None for each in tickers if each.symbol in symbols}
        answers = await asyncio.gather(*(self._best_bid(symbol) for symbol in symbols))
        return {symbol: bid for answer in answers for symbol, bid in answer.items()}

    async def _best_bid(self, symbol: str) -> Bids:
        """What is wrong with one symbol must not hide the others, unless the exchange wants to be left alone."""
        try:
            book = await self._rest.depth(symbol, _BEST)
        except RateLimited:
            raise
        except ExchangeError as error:
            log.info("what is paid for a coin was not learned", symbol=symbol, reason=str(error))
            return {}
        return {symbol: book.bids[0].price if book.bids else None}

    async def rules(self, listing: Listing) -> TradingRules | None:
        """Return what the exchange demands of orders on the symbol of *listing*; None where it does not know it."""
        known = listing.rules or self._rules.get(listing.symbol)
        if known is not None:
            return known
        info = await self._rest.symbol_rules(listing.symbol)
        if info is None:
            return None
        while len(self._rules) >= _KEPT_MAX:
            self._rules.pop(next(iter(self._rules)))
        rules = rules_of(info)
        if rules is not None:
            self._rules[listing.symbol] = rules
        return rules

    async def _first_price(self, symbol: str) -> Decimal | None:
        if self._settings.run_up_pct_max is None:
            return None
        trades = await self._rest.recent_trades(symbol)
        return trades[0].price if trades else None

    @property
    def _gated(self) -> bool:
        gates = (self._settings.run_up_pct_max, self._settings.spread_pct_max, self._settings.depth_usdt_min)
        return any(gate is not None for gate in gates)
