"""The exchange, opened in every way that the executor uses it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from executor.credentials import Credentials
from executor.dry_run import Checking, DryRun
from executor.live import Live
from executor.settings import ExecutorSettings
from executor.venue import Venue
from shared.events import Mode, utc_now
from shared.mexc.account import MexcAccount, connect_account
from shared.mexc.http_connection import Endpoint
from shared.mexc.http_request import RestLimits
from shared.mexc.order_line import LineLimits
from shared.mexc.order_lines import OrderLines, open_lines
from shared.mexc.rest import MexcRest, connect_rest
from shared.mexc.signed_http import Signing
from shared.mexc.signing import Signer
from shared.mexc.timekeeper import ExchangeClock, keeping_time
from shared.mexc.trading import MexcTrading


@dataclass(frozen=True, slots=True)
class Exchange:
    """Its market data and its clock; and for whom there are keys, the account and the lines that orders leave by."""

    rest: MexcRest
    clock: ExchangeClock
    venues: Mapping[Mode, Venue]
    """Where orders can be looked up: live ones too, although none may be sent now, for some may have been."""
    live: bool
    account: MexcAccount | None
    lines: OrderLines | None

    @property
    def sending(self) -> Mapping[Mode, Venue]:
        """Where orders may be sent."""
        return {mode: venue for mode, venue in self.venues.items() if self.live or mode is not Mode.LIVE}

    def is_ready(self) -> bool:
        """Tell whether orders could go out now. May be asked from another thread."""
        return self.lines is None or (self.lines.is_ready and self.clock.is_trustworthy())


class OpenExchange(Protocol):
    def __call__(
        self, rest_url: str, keys: Credentials | None, settings: ExecutorSettings, *, live: bool
    ) -> AbstractAsyncContextManager[Exchange]:
        """See `open_exchange`."""


@asynccontextmanager
async def open_exchange(
    rest_url: str, keys: Credentials | None, settings: ExecutorSettings, *, live: bool
) -> AsyncIterator[Exchange]:
    """Connect to the exchange at *rest_url*, which need not be there yet. *live* takes keys."""
    limits = RestLimits(total_seconds=settings.exchange_timeout_seconds)
    async with AsyncExitStack() as stack:
        rest = await stack.enter_async_context(connect_rest(rest_url, limits))
        keeping = keeping_time(rest.server_time, first_seconds_max=settings.exchange_timeout_seconds)
        clock = await stack.enter_async_context(keeping)
        if keys is None:
            on_paper = {Mode.DRY_RUN: _dry_run(rest, None, settings)}
            yield Exchange(rest, clock, on_paper, live=False, account=None, lines=None)
            return
        answer_seconds = settings.exchange_timeout_seconds
        opening = open_lines(Endpoint.of(rest_url), LineLimits(answer_seconds=answer_seconds))
        lines = await stack.enter_async_context(opening)
        trading = MexcTrading(lines, api_key=keys.api_key, api_secret=keys.api_secret)
        signing = Signing(Signer(keys.api_key, keys.api_secret), clock.now_ms, settings.recv_window_ms)
        account = await stack.enter_async_context(connect_account(rest_url, signing, limits))
        venues: dict[Mode, Venue] = {
            Mode.DRY_RUN: _dry_run(rest, Checking(trading, clock), settings),
            Mode.LIVE: Live(trading, account, clock, now=utc_now),
        }
        yield Exchange(rest, clock, venues, live=live, account=account, lines=lines)


def _dry_run(rest: MexcRest, checking: Checking | None, settings: ExecutorSettings) -> DryRun:
    return DryRun(rest, checking, taker_fee=settings.taker_fee, now=utc_now)
