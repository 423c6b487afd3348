"""The exchange, opened in every way that the executor uses it."""

import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from executor.market_data.recent_exchange_info import RecentExchangeInfo
from executor.market_streams.market_streams import MarketStreams
from executor.model import TimestampRefused
from executor.pricing import PaperFootprint
from executor.rate_limits.rate_limiter import RateLimiter
from executor.rate_limits.sliding_window import Priority
from executor.settings import ExecutorSettings
from executor.venues.credentials import Credentials
from executor.venues.dry_run import Checking, DryRun
from executor.venues.error_codes import result_of_code
from executor.venues.live import Live, LiveSide
from executor.venues.paper.market_queries import PaperQuestions
from executor.venues.venue import Venue
from shared.events import Mode, Side
from shared.mexc.errors import ExchangeRejected
from shared.mexc.http.connection import Endpoint
from shared.mexc.http.request import Admission, RestLimits
from shared.mexc.http.signed_request import Signing
from shared.mexc.http.signing import Signer
from shared.mexc.market_data import MexcMarketData, connect_market_data
from shared.mexc.orders.account import MexcAccount, connect_account
from shared.mexc.orders.order_api import MexcTrading
from shared.mexc.orders.order_connection import EXIT_LINES, LINES, LineLimits, OrderLines, open_lines
from shared.mexc.time.exchange_clock import ClockOptions, ExchangeClock, TradingClock, running_clock

_ACCOUNTS: Final = (Priority.EXIT, Priority.SALE_LOOKUP, Priority.PURCHASE_LOOKUP, Priority.OTHER)
TIME_PATH: Final = "/api/v3/time"
LOOK_SECONDS: Final = 2.0
"""For an answer about prices and rules that exits need: a later one would be of little use."""


def suspecting(admission: Admission, suspect: Callable[[], None]) -> Admission:
    """Return *admission* that calls *suspect* where an admitted request is refused for its time."""

    @asynccontextmanager
    async def admit(method: str, path: str) -> AsyncIterator[None]:
        async with admission(method, path):
            try:
                yield
            except ExchangeRejected as refusal:
                if is_untimely(refusal):
                    suspect()
                raise

    return admit


def is_untimely(refusal: ExchangeRejected) -> bool:
    """Return whether the exchange refused a request for its timestamp."""
    return isinstance(result_of_code(refusal.code), TimestampRefused)


@dataclass(frozen=True, slots=True)
class ForExits:
    """The connections of sales alone: a request of another that hangs never holds them up."""

    rest: MexcMarketData
    watching: MexcMarketData
    """For routine looks at positions."""
    account: MexcAccount | None = None
    trading: MexcTrading | None = None
    footprint: PaperFootprint = field(kw_only=True)
    """What paper orders took from the books, which show it on: positions on paper are worth the rest."""
    streams: MarketStreams | None = None
    """None where prices are looked at by REST alone."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Its market data and its clock; and for whom there are keys, the account and the lines that orders leave by."""

    rest: MexcMarketData
    clock: ExchangeClock
    now: Callable[[], datetime]
    """The one time that all parts go by: the exchange's, as far as it is known."""
    venues: Mapping[Mode, Venue]
    """Where orders can be looked up: live ones too, although none may be sent now, for some may have been."""
    live: bool
    account: MexcAccount | None
    lines: OrderLines | None
    exits: ForExits
    limiter: RateLimiter
    """What everything above passes on its way, but for orders, which wait for it before they are signed."""
    spare: MexcMarketData
    """For market data that nothing waits for."""
    infos: RecentExchangeInfo | None = None
    """Asks exchangeInfo by the same way."""

    @property
    def sending(self) -> Mapping[Mode, Venue]:
        """Where orders may be sent."""
        return {mode: venue for mode, venue in self.venues.items() if self.live or mode is not Mode.LIVE}

    def with_streams(self, streams: MarketStreams) -> "Exchange":
        """Return the same, with exits that follow prices by *streams*."""
        return replace(self, exits=replace(self.exits, streams=streams))

    def is_ready(self) -> bool:
        """Return whether orders could go out now. May be asked from another thread."""
        return self.lines is None or (self.lines.is_ready and self.clock.is_trustworthy())


class OpenExchange(Protocol):
    def __call__(
        self, rest_url: str, keys: Credentials | None, settings: ExecutorSettings, limiter: RateLimiter, *, live: bool
    ) -> AbstractAsyncContextManager[Exchange]:
        """See `open_exchange`."""


@asynccontextmanager
async def open_exchange(
    rest_url: str, keys: Credentials | None, settings: ExecutorSettings, limiter: RateLimiter, *, live: bool
) -> AsyncIterator[Exchange]:
    """Connect to the exchange at *rest_url*, which need not be there yet. *live* takes keys."""
    async with AsyncExitStack() as stack:
        opening = _Opening(stack, rest_url, settings, limiter)
        rest = await opening.rest(Priority.PURCHASE)
        selling_rest, watching = [await opening.rest(each, LOOK_SECONDS) for each in (Priority.EXIT, Priority.WATCH)]
        spare = await opening.rest(Priority.OTHER)
        clock = await opening.clock()
        now = TradingClock(clock).now
        infos = RecentExchangeInfo(spare)
        paper = _Paper(PaperFootprint(settings.paper_footprint_seconds), settings, now, spare, infos)
        without_keys = Exchange(
            rest,
            clock,
            now,
            {Mode.DRY_RUN: paper.dry_run(rest, selling_rest, None)},
            live=False,
            account=None,
            lines=None,
            exits=ForExits(selling_rest, watching, footprint=paper.footprint),
            limiter=limiter,
            spare=spare,
            infos=infos,
        )
        yield without_keys if keys is None else await _with_keys(opening, without_keys, paper, keys, live=live)


async def _with_keys(
    opening: "_Opening", exchange: Exchange, paper: "_Paper", keys: Credentials, *, live: bool
) -> Exchange:
    """Return *exchange* with an account, and with the lines that orders leave by."""
    settings, clock, now = opening.settings, exchange.clock, exchange.now
    lines = await opening.lines(LINES, settings.exchange_timeout_seconds)
    exit_lines = await opening.lines(EXIT_LINES, settings.sale_answer_seconds)
    trading = partial(MexcTrading, api_key=keys.api_key, api_secret=keys.api_secret)
    buying, selling = trading(lines), trading(exit_lines)
    signing = Signing(Signer(keys.api_key, keys.api_secret), clock.now_ms, settings.recv_window_ms)
    accounts = {each: await opening.account(signing, each, clock) for each in _ACCOUNTS}
    sides = {
        Side.BUY: LiveSide(buying, accounts[Priority.PURCHASE_LOOKUP]),
        Side.SELL: LiveSide(selling, accounts[Priority.SALE_LOOKUP]),
    }
    venues: dict[Mode, Venue] = {
        Mode.DRY_RUN: paper.dry_run(exchange.rest, exchange.exits.rest, Checking(buying, clock)),
        Mode.LIVE: Live(sides, clock, taker_fee=settings.taker_fee, now=now),
    }
    exits = replace(exchange.exits, account=accounts[Priority.EXIT], trading=selling)
    return replace(exchange, venues=venues, live=live, account=accounts[Priority.OTHER], lines=lines, exits=exits)


@dataclass(frozen=True, slots=True)
class _Paper:
    """The common parts of the dry runs of both sides."""

    footprint: PaperFootprint
    settings: ExecutorSettings
    now: Callable[[], datetime]
    aside: MexcMarketData
    """Has no reserve of the rate limits."""
    infos: RecentExchangeInfo

    def dry_run(self, rest: MexcMarketData, selling: MexcMarketData, checking: Checking | None) -> DryRun:
        ways = {Side.BUY: rest, Side.SELL: selling}
        questions = {side: PaperQuestions(way, self.aside, self.infos.symbol_rules) for side, way in ways.items()}
        return DryRun(questions, checking, footprint=self.footprint, settings=self.settings, now=self.now)


@dataclass(frozen=True, slots=True)
class _Opening:
    """Opens one way to the exchange after the other, each with connections of its own."""

    stack: AsyncExitStack
    rest_url: str
    settings: ExecutorSettings
    limiter: RateLimiter

    async def rest(self, priority: Priority, seconds: float = math.inf) -> MexcMarketData:
        return await self.stack.enter_async_context(connect_market_data(self.rest_url, self._limits(priority, seconds)))

    async def account(self, signing: Signing, priority: Priority, clock: ExchangeClock) -> MexcAccount:
        limits = self._limits(priority)
        limits = replace(limits, admission=suspecting(limits.admission, clock.suspect))
        return await self.stack.enter_async_context(connect_account(self.rest_url, signing, limits))

    async def lines(self, count: int, answer_seconds: float) -> OrderLines:
        limits = LineLimits(answer_seconds=min(answer_seconds, self.settings.exchange_timeout_seconds))
        return await self.stack.enter_async_context(open_lines(Endpoint.of(self.rest_url), limits, count=count))

    async def clock(self) -> ExchangeClock:
        """Nothing is signed without the time, so it goes first; waiting for its turn is not measured."""
        options = ClockOptions(turn=partial(self.limiter.admission(Priority.EXIT), "GET", TIME_PATH))
        first_seconds = self.settings.exchange_timeout_seconds
        rest = await self.stack.enter_async_context(
            connect_market_data(self.rest_url, RestLimits(total_seconds=first_seconds))
        )
        keeping = running_clock(rest.server_time, first_seconds_max=first_seconds, options=options)
        return await self.stack.enter_async_context(keeping)

    def _limits(self, priority: Priority, seconds: float = math.inf) -> RestLimits:
        seconds = min(seconds, self.settings.exchange_timeout_seconds)
        return RestLimits(total_seconds=seconds, admission=self.limiter.admission(priority))
