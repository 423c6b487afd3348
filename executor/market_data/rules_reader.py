"""Read the rules of symbols in exchangeInfo, no more often than orders need it."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from executor.market_data.symbol_rules import SymbolRules
from executor.model.order import Order
from shared.events import Listing, Side, TradingRules
from shared.mexc.errors import ExchangeError
from shared.mexc.market_data import MexcRest
from shared.mexc.symbols import SymbolInfo
from shared.mexc.trading_rules import rules_of

log = structlog.get_logger(__name__)

_KEPT_MAX: Final = 1_000
REREAD_SECONDS: Final = 0.3
"""How long an order waits for rules to be read again where older ones are known."""
REREAD_FOR_SALE_SECONDS: Final = 1.0
"""The same for a refused sale that the rules may explain: nothing is sold without them."""
REREAD_APART_SECONDS: Final = 10.0
"""Rules read so recently are not read once more for another refusal: that weighs much."""


class RulesReader:
    """Raises ExchangeError."""

    def __init__(self, rest: MexcRest, known: SymbolRules, clock: Callable[[], float] = time.monotonic) -> None:
        """Rules and openings are remembered in *known*."""
        self._rest = rest
        self._known = known
        self._clock = clock
        self._reread_at: dict[tuple[str, Side], float] = {}
        """The time at which a refusal of an order of that side had the rules read again."""

    def latest(self, listing: Listing) -> TradingRules | None:
        """Return the known rules of the symbol of *listing*, without a request."""
        return self._known.latest(listing)

    async def rules_for(self, order: Order) -> TradingRules | None:
        """Return the exchange's rules for *order*; None where it does not know the symbol.

        The rules of a new listing come with it; later, and when they are old, they are read again. A sale soon after
        goes by the rules of its purchase: reading them weighs much, and a refusal has them read.
        """
        listing = order.listing
        if order.side is Side.BUY and order.fire_at is None:
            self._known.brought(listing.symbol)
        is_brought = (order.side is Side.SELL or order.fire_at is None) and self._known.is_brought(listing.symbol)
        known = self._known.fresh(listing.symbol) or (listing.rules if is_brought else None)
        if known is not None:
            return known
        older = self._known.latest(listing)
        return await self.read(listing) if older is None else await self._read_within(listing, REREAD_SECONDS) or older

    async def reread(self, order: Order) -> TradingRules | None:
        """Return the present rules after a refusal of *order*.

        Rules that were read a moment ago for an order of the same side are returned again: a sale that is retried
        over and over would use up the weight.
        """
        symbol, fresh = order.symbol, self._known.fresh(order.symbol)
        reread_at = self._reread_at.get((symbol, order.side))
        if fresh is not None and reread_at is not None and self._clock() - reread_at <= REREAD_APART_SECONDS:
            return fresh
        while len(self._reread_at) >= _KEPT_MAX:
            self._reread_at.pop(next(iter(self._reread_at)))
        self._reread_at[symbol, order.side] = self._clock()
        seconds = REREAD_SECONDS if order.side is Side.BUY else REREAD_FOR_SALE_SECONDS
        return await self._read_within(order.listing, seconds)

    async def read(self, listing: Listing) -> TradingRules | None:
        """Read the present rules of the symbol of *listing*, and keep them."""
        info = await self._rest.symbol_rules(listing.symbol)
        return None if info is None else self.take_in(info)

    def take_in(self, info: SymbolInfo) -> TradingRules | None:
        """Keep the present entry of a symbol in exchangeInfo, and return the rules in it."""
        rules = rules_of(info)
        if rules is not None:
            self._known.learn(info.symbol, rules)
        self._known.openings.learn(info.symbol, info.first_open_time)
        return rules

    async def _read_within(self, listing: Listing, seconds: float) -> TradingRules | None:
        """Read the rules; None on a failure or after *seconds*: an order does not wait for them, nor fail with them."""
        try:
            async with asyncio.timeout(seconds):
                return await self.read(listing)
        except (ExchangeError, TimeoutError) as error:
            log.info("rules were not read again", symbol=listing.symbol, reason=repr(error))
            return None
