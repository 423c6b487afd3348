"""Rules of symbols: those known, with age, openings and fees; read in exchangeInfo no more often than orders need."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from executor.decisions.freshness import KnownOpenings
from executor.model import Order, keep_newest
from executor.pricing import TakerFees
from shared.events import Listing, Side, TradingRules
from shared.mexc.errors import ExchangeError
from shared.mexc.market_data import MexcMarketData
from shared.mexc.symbols import SymbolInfo, rules_of

log = structlog.get_logger(__name__)

REREAD_SECONDS: Final = 0.3
"""How long an order waits for rules to be read again where older ones are known."""
REREAD_FOR_SALE_SECONDS: Final = 1.0
"""The same for a refused sale that the rules may explain: nothing is sold without them."""
REREAD_APART_SECONDS: Final = 10.0
"""Rules read so recently are not read once more for another refusal: that weighs much."""
UNLEARNED_SECONDS: Final = 0.5
"""After a wait for rules in vain, the next refusal that can do without them does not wait."""


@dataclass(frozen=True, slots=True)
class _Learned:
    rules: TradingRules
    at: float


class SymbolRules:
    """Shared by purchases and sales: a sale soon after its purchase goes by the same rules."""

    def __init__(self, age_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Rules older than *age_seconds* are not fresh any more."""
        self._age_seconds = age_seconds
        self._clock = clock
        self._learned: dict[str, _Learned] = {}
        self._brought_at: dict[str, float] = {}
        """The time at which a purchase went by the rules of its listing."""
        self.openings = KnownOpenings()
        self.fees = TakerFees(clock)

    def fresh(self, symbol: str) -> TradingRules | None:
        """Return the rules that were read recently; None without any."""
        learned = self._learned.get(symbol)
        is_fresh = learned is not None and self._clock() - learned.at <= self._age_seconds
        return learned.rules if learned is not None and is_fresh else None

    def latest(self, listing: Listing) -> TradingRules | None:
        """Return the latest known rules, however old."""
        learned = self._learned.get(listing.symbol)
        return listing.rules if learned is None else learned.rules

    def learn(self, symbol: str, rules: TradingRules) -> None:
        """Keep *rules*, which were read now."""
        keep_newest(self._learned, symbol, _Learned(rules, self._clock()))

    def brought(self, symbol: str) -> None:
        """Record that a purchase goes by the rules of its listing, which is new."""
        keep_newest(self._brought_at, symbol, self._clock())

    def is_brought(self, symbol: str) -> bool:
        """Return whether a purchase recently went by the rules of its listing."""
        return self._clock() - self._brought_at.get(symbol, float("-inf")) <= self._age_seconds


@dataclass(frozen=True, slots=True)
class _Reread:
    """The end of a wait for rules."""

    at: float
    learned: bool


class RulesReader:
    """Raises ExchangeError."""

    def __init__(self, rest: MexcMarketData, known: SymbolRules, clock: Callable[[], float] = time.monotonic) -> None:
        """Rules and openings are remembered in *known*."""
        self._rest = rest
        self._known = known
        self.latest = known.latest
        self._clock = clock
        self._rereads: dict[tuple[str, Side], _Reread] = {}
        """The last for a refusal of an order of that side."""

    async def rules_for(self, order: Order) -> TradingRules | None:
        """Return the exchange's rules for *order*; None where it does not know the symbol, or a sale would wait.

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
        if older is None and order.side is Side.BUY:
            return await self.read(listing)
        return await self._read_within(listing, REREAD_SECONDS) or older

    async def reread(self, order: Order, *, is_needed: bool) -> TradingRules | None:
        """Return the present rules after a refusal of *order*, where they are read soon; a sale waits longer if needed.

        Rules that were read a moment ago for an order of the same side are returned again: a sale that is retried
        over and over would use up the weight.
        """
        key, fresh = (order.symbol, order.side), self._known.fresh(order.symbol)
        if (last := self._rereads.get(key)) is not None:
            age_seconds = self._clock() - last.at
            if last.learned and fresh is not None and age_seconds <= REREAD_APART_SECONDS:
                return fresh
            if not last.learned and not is_needed and age_seconds <= UNLEARNED_SECONDS:
                return None
        is_long = order.side is Side.SELL and is_needed
        rules = await self._read_within(order.listing, REREAD_FOR_SALE_SECONDS if is_long else REREAD_SECONDS)
        keep_newest(self._rereads, key, _Reread(self._clock(), learned=rules is not None))
        return rules

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
