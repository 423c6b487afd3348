"""Market views: the prices and rules that an order is built from."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from executor.decisions.exit_triggers import below
from executor.decisions.market_filters import MarketSnapshot, RereadResult, reference_price
from executor.market_data.last_prices import APART_SECONDS, RECENT_SECONDS, LastPrices
from executor.market_data.position_prices import BOOK_LEVELS, RecentBooks
from executor.market_data.symbol_rules import RulesReader, SymbolRules
from executor.model import Order, Refusal
from executor.pricing import PaperFootprint, Quote, TakerFees, band_of, plausible
from executor.settings import ExecutorSettings
from shared.events import Listing, Mode, Side, Source, TradingRules
from shared.mexc.errors import ExchangeUnavailable
from shared.mexc.market_data import MexcMarketData
from shared.mexc.payloads import Level, OrderBook
from shared.mexc.symbols import SIDES_CLOSED

Levels = tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class MarketView:
    """Prices and rules for one order."""

    market: MarketSnapshot
    rules: TradingRules | None


class MarketViews:
    """Reads at the exchange only what did not come with the listing. Raises ExchangeError."""

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
        """Paper orders see books less their *footprint*, where there is one; its times are by *clock*.

        Rules and openings are remembered in *known*; live sales are priced by *recent* books, where there are any.
        """
        self._rest = rest
        self._settings = settings
        self._footprint = footprint
        self._clock = clock
        self._known = known or SymbolRules(settings.rules_age_seconds, clock)
        self._recent = recent or RecentBooks(clock)
        self._wide = below(Decimal(1), 2 * settings.exit_slippage_pct)
        """A price band that reaches so far below the last price hardly binds a sale."""
        self.rules = RulesReader(rest, self._known, clock)
        self.last_prices = LastPrices(rest, clock)

    @property
    def fees(self) -> TakerFees:
        """The fees that orders are charged."""
        return self._known.fees

    def at_hand(self, listing: Listing, *, asked: bool = False) -> MarketView | None:
        """Return the view of a purchase without a request, which would cost time; None where one is needed.

        The rules may be missing: without them an order is rounded more coarsely. An opening that may be long past is
        worth a request, unless it was *asked* for.
        """
        if self._settings.is_gated or (self._settings.entry == "capped" and listing.price is None):
            return None
        if listing.rules is None and listing.opens_at is None and not asked and self.may_be_old(listing):
            return None
        market = MarketSnapshot(reference=listing.price, book=None, first_price=None)
        self._known.brought(listing.symbol)
        return MarketView(market, self._known.fresh(listing.symbol) or self._known.latest(listing))

    def sale_at_hand(self, order: Order) -> MarketView | None:
        """Return the view of a live sale without a request: by the book or best prices that found it due.

        The rules may be old, or missing: a refusal has them read, and reading them first would cost every sale more.
        None where a request is needed.
        """
        book = self._recent.of(order.symbol) if order.mode is Mode.LIVE else None
        rules = self.rules.latest(order.listing)
        if book is None or rules is None or self._is_narrow(rules):
            return None
        return MarketView(MarketSnapshot(reference_price(None, book), book, None), rules)

    def may_be_old(self, listing: Listing) -> bool:
        """Return whether only a request can show that *listing* opened long ago: nothing but a ticker has shown it."""
        if self._settings.opening_unknown == "buy" or listing.rules is not None or listing.opens_at is not None:
            return False
        # No answer shows it of a relisted symbol; and where rules were read lately, so was the opening.
        if listing.occurrence > 1 or self._known.fresh(listing.symbol) is not None:
            return False
        return self._settings.opening_unknown == "insist" or listing.source is Source.MEXC_WEBSOCKET

    def refusal_if_too_old(self, listing: Listing, now: datetime) -> Refusal | None:
        """Return the refusal of *listing* by the opening that became known since."""
        return self._known.openings.refusal_if_too_old(listing, self._settings, now)

    async def look(self, order: Order) -> MarketView:
        """Return the present market of *order*."""
        # The price at which a coin was seen is too old for an order that waited, or was sent before.
        seen = order.listing.price if order.fire_at is None and order.attempt == 1 else None
        needs_book = order.side is Side.SELL or self._settings.is_gated or seen is None
        book, rules, first_price, last = await self._read_at_once(order, needs_book=needs_book)
        if book is None and rules is None:
            book = await self._book(order)  # It is refused where the exchange does not know the symbol at all.
        if book is not None and order.mode is Mode.DRY_RUN:
            book = OrderBook(*self._left(order.symbol, book.bids, book.asks))
        if last is not None and book is not None and _has_left_band(book, rules, last):
            # Above the bids nothing is filled, nor refused: no refusal would have the price read again.
            last = await self.last_prices.within(order.symbol, APART_SECONDS)
        market = MarketSnapshot(reference_price(seen, book), book, first_price, last)
        return MarketView(market, rules)

    async def _read_at_once(
        self, order: Order, *, needs_book: bool
    ) -> tuple[OrderBook | None, TradingRules | None, Decimal | None, Decimal | None]:
        """Read all that is needed at once, and nothing else: the others wait for each further request."""
        if order.side is Side.BUY and self._settings.run_up_pct_max is None:
            if not needs_book:
                return None, await self.rules.rules_for(order), None, None
            return *await asyncio.gather(self._book(order), self.rules.rules_for(order)), None, None
        book = self._book(order) if needs_book else asyncio.sleep(0)
        return await asyncio.gather(
            book, self.rules.rules_for(order), self._first_price(order.symbol), self._protection_price(order)
        )

    async def reread(self, order: Order, *, price: bool, is_needed: bool = True) -> RereadResult:
        """Return the rules that may explain a refusal of *order*, as far as they are read soon; the *price* too.

        A sale waits longer where that *is_needed*: where no request is known that could be sent without it.
        """
        rules = self.rules.reread(order, is_needed=is_needed)
        if not price:
            return RereadResult(await rules)
        return RereadResult(*await asyncio.gather(rules, self.last_prices.within(order.symbol, APART_SECONDS)))

    def quote_for(self, mode: Mode, symbol: str, quote: Quote) -> Quote:
        """Return *quote* as an order of *mode* would meet it: for a paper order, less the footprint of earlier ones."""
        if mode is not Mode.DRY_RUN:
            return quote
        bids, asks = self._left(symbol, quote.bids, quote.asks)
        return replace(quote, bids=bids, asks=asks)

    async def can_be_sold(self, symbol: str) -> bool:
        """Return whether the exchange names *symbol* as open to sales by API now."""
        info = await self._rest.symbol_rules(symbol)
        if info is not None and not info.tells_status:
            raise ExchangeUnavailable(f"the status of {symbol} is {info.status!r}")
        if info is None or not info.is_online or not info.api_allowed:
            return False
        return info.trade_side_type not in SIDES_CLOSED[Side.SELL]

    async def _protection_price(self, order: Order) -> Decimal | None:
        """Return the last price where a sale's price is narrowly bound to it; a purchase has its reference.

        In a wide band only a refusal has it read: to read it ahead would cost every sale the weight of two books.
        """
        known = self.rules.latest(order.listing) if order.side is Side.SELL else None
        if known is None or not self._is_narrow(known):
            return None
        return await self.last_prices.within(order.symbol, RECENT_SECONDS)

    def _is_narrow(self, rules: TradingRules) -> bool:
        """Return whether the price band of *rules* may bind a sale."""
        return rules.price_down is not None and rules.price_down > self._wide

    async def _book(self, order: Order) -> OrderBook:
        """Return the book that *order* meets: for a live sale the one by which it was found due."""
        is_live_sale = (order.side, order.mode) == (Side.SELL, Mode.LIVE)
        seen = self._recent.of(order.symbol) if is_live_sale else None
        return seen or await self._rest.depth(order.symbol, BOOK_LEVELS)

    def _left(self, symbol: str, bids: Iterable[Level], asks: Iterable[Level]) -> tuple[Levels, Levels]:
        if self._footprint is None:
            return tuple(bids), tuple(asks)
        at = self._clock()
        return self._footprint.remaining((symbol, Side.BUY), bids, at), self._footprint.remaining(
            (symbol, Side.SELL), asks, at
        )

    async def _first_price(self, symbol: str) -> Decimal | None:
        if self._settings.run_up_pct_max is None:
            return None
        trades = await self._rest.recent_trades(symbol)
        return trades[0].price if trades else None


def _has_left_band(book: OrderBook, rules: TradingRules | None, last: Decimal) -> bool:
    """Return whether all bids are below the band that *rules* draw around the *last* price, so that it may be old."""
    best_bid = next((level.price for level in plausible(book.bids)), None)
    lowest = band_of(rules or TradingRules(), last).lowest
    return best_bid is not None and lowest is not None and best_bid < lowest
