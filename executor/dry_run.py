"""What a dry run needs of the exchange, opened: its order books, and with API keys the check of orders."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from executor.credentials import Credentials
from executor.metrics import show_clock
from executor.placing import Checking, DryRun
from executor.settings import ExecutorSettings
from shared.events import utc_now
from shared.mexc.http_connection import Endpoint
from shared.mexc.http_request import RestLimits
from shared.mexc.order_line import LineLimits, OrderLine
from shared.mexc.rest import connect_rest
from shared.mexc.timekeeper import keeping_time
from shared.mexc.trading import MexcTrading
from shared.telemetry import Telemetry


@asynccontextmanager
async def open_dry_run(
    rest_url: str, keys: Credentials | None, settings: ExecutorSettings, telemetry: Telemetry
) -> AsyncIterator[DryRun]:
    """Connect to the exchange at *rest_url*, which need not be there yet; with keys the service is ready when it is."""
    seconds = settings.exchange_timeout_seconds
    async with connect_rest(rest_url, RestLimits(total_seconds=seconds)) as books:
        if keys is None:
            telemetry.ready_when("executor", lambda: True)
            yield DryRun(books, None, taker_fee=settings.taker_fee, now=utc_now)
            return
        async with (
            keeping_time(books.server_time, first_seconds_max=seconds) as clock,
            OrderLine(Endpoint.of(rest_url), LineLimits(answer_seconds=seconds)) as line,
        ):
            show_clock(clock, telemetry.registry)
            telemetry.ready_when("executor", lambda: line.is_ready and clock.is_trustworthy())
            trading = MexcTrading(line, api_key=keys.api_key, api_secret=keys.api_secret)
            yield DryRun(books, Checking(trading, clock), taker_fee=settings.taker_fee, now=utc_now)
