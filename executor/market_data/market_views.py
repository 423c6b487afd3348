"""What is known of a market when an order for it is made: prices, and what the exchange demands."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

import structlog

from executor.decisions.exit_rules import below
from executor.decisions.market_filters import Market, Reading, reference_price
from executor.decisions.strategy import SIDES_CLOSED
from executor.market_data.position_prices import BOOK_LEVELS, RecentBooks
from executor.market_data.symbol_rules import SymbolRules
from executor.model.order import Order
from executor.model.reasons import Refusal
from executor.pricing.fill_simulation import is_plausible
from executor.pricing.paper_footprint import PaperFootprint
from executor.pricing.taker_fees import TakerFees
from executor.pricing.valuation import Quote
from executor.settings import ExecutorSettings
from shared.events import Listing, Mode, Side, Source, TradingRules
from shared.mexc.errors import ExchangeError, ExchangeUnavailable
from shared.mexc.market_data import MexcMarketData
from shared.mexc.payloads import Level, OrderBook
from shared.mexc.symbols import SymbolInfo
from shared.mexc.trading_rules import rules_of

log = structlog.get_logger(__name__)

LAST_TRADES: Final = 10
_KEPT_MAX: Final = 1_000
REREAD_SECONDS: Final = 0.3
"""How long an order waits for rules to be read again where older ones are known."""
REREAD_FOR_SALE_SECONDS: Final = 1.0
"""How long one does that was refused for a reason that they may explain, where nothing is sold without them."""
LAST_SECONDS: Final = 3.0
"""How old the last price may be that a sale's floor is fitted to; a refusal for the price has it read again."""
LAST_APART_SECONDS: Final = 0.5
"""A last price that was read so recently is not read again for another refusal."""
REREAD_APART_SECONDS: Final = 10.0
"""Rules read so recently are not read once more for another refusal: that is dear."""

UNLEARNED_SECONDS: Final = 0.5
"""Rules that were waited for so recently in vain are not waited for by the next refusal that can do without."""

Levels = tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class _Reread:
    """The end of a wait for rules."""

    at: float
    learned: bool


@dataclass(frozen=True, slots=True)
class View:
    """What an order is made from."""

    market: Market
    rules: TradingRules | None


class Markets:
    """Asks the exchange for what the listing did not bring along, and nothing else. Raises ExchangeError."""

    def __init__(
        self,
        rest: MexcMarketData,
        settings: ExecutorSettings,
        *,
        footprint: PaperFootprint | None = None,
        known: SymbolRules | None = None,
        recent: RecentBooks | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Orders on paper are shown books less their *footprint*, where there is one; its moments are *clock*'s.

        Rules and openings are remembered in *known*; live sales are priced by *recent* books, where there are any.
        """
        self._rest = rest
        self._settings = settings
        self._footprint = footprint
        self._clock = clock
        self._known = known or SymbolRules(settings.rules_age_seconds, clock)
        self._recent = recent or RecentBooks(clock)
        self._wide = below(Decimal(1), 2 * settings.exit_slippage_pct)
        """A band that reaches so far below the last price hardly binds a sale."""
        self._lasts: dict[str, tuple[Decimal, float]] = {}
        self._rereads: dict[tuple[str, Side], _Reread] = {}
        """The last for a refusal of an order of that side."""

    @property
    def fees(self) -> TakerFees:
        """What orders are charged."""
        return self._known.fees

    def at_hand(self, listing: Listing, *, asked: bool = False) -> View | None:
        """Return what a purchase may be made from without a question, which would cost time; None where one is needed.

        The rules may be missing: without them an order is rounded more coarsely. An opening that may be long ago is
        worth a question, unless it was *asked* for.
        """
        if self._settings.is_gated or (self._settings.entry == "capped" and listing.price is None):
            return None
        if listing.rules is None and listing.opens_at is None and not asked and self.may_be_old(listing):
            return None
        market = Market(reference=listing.price, book=None, first_price=None)
        self._known.brought(listing.symbol)
        return View(market, self._known.fresh(listing.symbol) or self._known.latest(listing))

    def may_be_old(self, listing: Listing) -> bool:
        """Tell whether only a question can show that *listing* opened long ago: a ticker is all that has shown it."""
        if self._settings.opening_unknown == "buy" or listing.rules is not None or listing.opens_at is not None:
            return False
        # Of one that came back no answer would tell; and where rules were read lately, so was the opening.
        if listing.occurrence > 1 or self._known.fresh(listing.symbol) is not None:
            return False
        return self._settings.opening_unknown == "insist" or listing.source is Source.MEXC_WEBSOCKET

    def too_old(self, listing: Listing, now: datetime) -> Refusal | None:
        """Return why *listing* is not bought, by what was told of its opening since."""
        return self._known.openings.too_old(listing, self._settings, now)

    async def look(self, order: Order) -> View:
        """Return the market of *order* as it is now."""
        # What a coin cost when it was seen is long ago for an order that waited, or was sent before.
        seen = order.listing.price if order.fire_at is None and order.attempt == 1 else None
        needs_book = order.side is Side.SELL or self._settings.is_gated or seen is None
        book, rules, first_price, last = await self._asked(order, needs_book=needs_book)
        if book is None and rules is None:
            book = await self._book(order)  # Which is refused where the exchange does not know the symbol at all.
        if book is not None and order.mode is Mode.DRY_RUN:
            book = OrderBook(*self._left(order.symbol, book.bids, book.asks))
        market = Market(reference_price(seen, book), book, first_price, last)
        return View(market, rules)

    async def _asked(
        self, order: Order, *, needs_book: bool
    ) -> tuple[OrderBook | None, TradingRules | None, Decimal | None, Decimal | None]:
        """Ask all that is needed at once, and nothing else: each question more is a task that the others wait for."""
        book = self._book(order) if needs_book else None
        if order.side is Side.BUY and self._settings.run_up_pct_max is None:
            if book is None:
                return None, await self.rules(order), None, None
            return *await asyncio.gather(book, self.rules(order)), None, None
        return await asyncio.gather(
            book or _no_book(), self.rules(order), self._first_price(order.symbol), self._protected(order)
        )

    async def reread(self, order: Order, *, price: bool, is_needed: bool = True) -> Reading:
        """Return what a refusal of *order* may be explained by, as far as it is learned soon; the *price* too.

        A sale waits longer where that *is_needed*: where nothing is known that could be sent without it.
        """
        rules = self._read_again(order, is_needed=is_needed)
        return Reading(*await asyncio.gather(rules, self._last(order.symbol))) if price else Reading(await rules)

    def quote_for(self, mode: Mode, symbol: str, quote: Quote) -> Quote:
        """Return *quote* as an order of *mode* would meet it: less what paper orders took, for one on paper."""
        if mode is not Mode.DRY_RUN:
            return quote
        bids, asks = self._left(symbol, quote.bids, quote.asks)
        return replace(quote, bids=bids, asks=asks)

    async def last_price(self, symbol: str) -> Decimal | None:
        """Return the price of the last trade there was; None where there was none."""
        trades = await self._rest.recent_trades(symbol, LAST_TRADES)
        if not trades or not is_plausible(trades[-1].price):
            return None
        self._lasts = {each: seen for each, seen in self._lasts.items() if self._is_recent(seen, LAST_SECONDS)}
        self._lasts[symbol] = (trades[-1].price, self._clock())
        return trades[-1].price

    async def can_be_sold(self, symbol: str) -> bool:
        """Return whether the exchange says, now, that *symbol* may be sold by API; raise ExchangeError."""
        info = await self._rest.symbol_rules(symbol)
        if info is not None and not info.tells_status:
            raise ExchangeUnavailable(f"the status of {symbol} is {info.status!r}")
        if info is None or not info.is_online or not info.api_allowed:
            return False
        return info.trade_side_type not in SIDES_CLOSED[Side.SELL]

    def rules_at_hand(self, listing: Listing) -> TradingRules | None:
        """Return the known rules of the symbol of *listing*, without a request."""
        return self._known.latest(listing)

    async def rules(self, order: Order) -> TradingRules | None:
        """Return what the exchange demands of *order*; None where it does not know the symbol, or a sale would wait.

        What a listing brought along is true while it is new; after that, and when they are old, rules are read again.
        A sale soon after goes by the same as its purchase: to read them is dear, and a refusal has them read.
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
            return await self.learn(listing)
        return await self._learned_soon(listing) or older

    async def learn(self, listing: Listing) -> TradingRules | None:
        """Read what the exchange demands of orders on the symbol of *listing* now, and keep it."""
        info = await self._rest.symbol_rules(listing.symbol)
        return None if info is None else self.take_in(info)

    def take_in(self, info: SymbolInfo) -> TradingRules | None:
        """Keep what exchangeInfo says of a symbol now, and return the rules in it."""
        rules = rules_of(info)
        if rules is not None:
            self._known.learn(info.symbol, rules)
        self._known.openings.learn(info.symbol, info.first_open_time)
        return rules

    async def _read_again(self, order: Order, *, is_needed: bool) -> TradingRules | None:
        """Return the rules of now, where they are learned soon.

        What was read a moment ago for an order of the same side is: a sale that is tried again and again has to pay.
        """
        key, fresh = (order.symbol, order.side), self._known.fresh(order.symbol)
        last = self._rereads.get(key)
        if last is not None and last.learned and fresh is not None and self._is_since(last.at, REREAD_APART_SECONDS):
            return fresh
        if last is not None and not last.learned and not is_needed and self._is_since(last.at, UNLEARNED_SECONDS):
            return None
        is_long = order.side is Side.SELL and is_needed
        rules = await self._learned_soon(order.listing, REREAD_FOR_SALE_SECONDS if is_long else REREAD_SECONDS)
        while len(self._rereads) >= _KEPT_MAX:
            self._rereads.pop(next(iter(self._rereads)))
        self._rereads[key] = _Reread(self._clock(), learned=rules is not None)
        return rules

    def _is_since(self, moment: float, seconds: float) -> bool:
        return self._clock() - moment <= seconds

    async def _learned_soon(self, listing: Listing, seconds: float = REREAD_SECONDS) -> TradingRules | None:
        """Return the same where that takes no long time: an order does not wait for it, nor fail with it."""
        try:
            async with asyncio.timeout(seconds):
                return await self.learn(listing)
        except (ExchangeError, TimeoutError) as error:
            log.info("rules were not read again", symbol=listing.symbol, reason=repr(error))
            return None

    async def _protected(self, order: Order) -> Decimal | None:
        """Return the last price where a sale's price is narrowly bound to it; a purchase has its reference.

        In a wide band a refusal has it read: to ask ahead would cost every sale the weight of two books.
        """
        known = self._known.latest(order.listing) if order.side is Side.SELL else None
        if known is None or not known.price_down or known.price_down <= self._wide:
            return None
        seen = self._lasts.get(order.symbol)
        return seen[0] if seen and self._is_recent(seen, LAST_SECONDS) else await self._last(order.symbol)

    async def _book(self, order: Order) -> OrderBook:
        """Return the book that *order* meets: for a live sale the one that showed that it is due."""
        is_live_sale = (order.side, order.mode) == (Side.SELL, Mode.LIVE)
        seen = self._recent.of(order.symbol) if is_live_sale else None
        return seen or await self._rest.depth(order.symbol, BOOK_LEVELS)

    def _is_recent(self, seen: tuple[object, float], seconds: float) -> bool:
        return self._clock() - seen[1] <= seconds

    async def _last(self, symbol: str) -> Decimal | None:
        seen = self._lasts.get(symbol)
        if seen is not None and self._is_recent(seen, LAST_APART_SECONDS):
            return seen[0]
        try:
            async with asyncio.timeout(REREAD_SECONDS):
                return await self.last_price(symbol)
        except (ExchangeError, TimeoutError) as error:
            log.info("the last price was not learned", symbol=symbol, reason=repr(error))
            return None

    def _left(self, symbol: str, bids: Iterable[Level], asks: Iterable[Level]) -> tuple[Levels, Levels]:
        if self._footprint is None:
            return tuple(bids), tuple(asks)
        at = self._clock()
        return self._footprint.left((symbol, Side.BUY), bids, at), self._footprint.left((symbol, Side.SELL), asks, at)

    async def _first_price(self, symbol: str) -> Decimal | None:
        if self._settings.run_up_pct_max is None:
            return None
        trades = await self._rest.recent_trades(symbol)
        return trades[0].price if trades else None


async def _no_book() -> None:
    """Ask for none: a purchase at a price that is known goes by that, and a book weighs something."""
