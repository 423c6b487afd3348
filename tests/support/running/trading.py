"""The executor as a service on real servers: listings in, trades out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from executor.service import serve
from executor.settings import ExecutorSettings
from shared.events import Listing, Trade, utc_now
from shared.process.runtime import Runtime
from shared.settings import ExchangeSettings
from shared.wire.topology import PERSISTER_TRADES, to_message
from tests.servers.ports import free_ports
from tests.support.data.builders import a_listing
from tests.support.running.policies import configured_exits
from tests.support.running.services import Outlet, emptying, rabbitmq_runtime, serving
from tests.waiting import eventually


@dataclass(frozen=True)
class Trading:
    """A running executor and what comes out of it."""

    runtime: Runtime
    trades: Outlet

    async def tell(self, *listings: Listing) -> None:
        async with asyncio.TaskGroup() as tasks:
            for listing in listings:
                tasks.create_task(self.runtime.bus.publish(to_message(listing)))

    async def ended(self, symbol: str, within_seconds: float = 15) -> Trade:
        """Return what became of the purchase of *symbol*, once it is known."""

        def known() -> Trade | None:
            return next((each for each in self.told(symbol) if each.status != "pending"), None)

        trade = await eventually(known, within_seconds=within_seconds)
        assert trade is not None
        return trade

    def told(self, symbol: str) -> list[Trade]:
        """Return every published trade of *symbol*, oldest first."""
        return [each for each in self.trades.events if isinstance(each, Trade) and each.symbol == symbol]


@asynccontextmanager
async def executor(
    database_url: str,
    broker_url: str,
    venue: ExchangeSettings,
    settings: ExecutorSettings | None = None,
    *,
    data_dir: Path = Path("/nonexistent"),
    **policy: Any,
) -> AsyncIterator[Trading]:
    """Run the service for the time of the block; nothing is sold but for what *policy* says."""
    async with (
        rabbitmq_runtime(database_url, broker_url) as runtime,
        emptying(runtime.bus, PERSISTER_TRADES) as trades,
        configured_exits(runtime.database, **policy),
        serving(runtime, lambda own: serve(own, settings or ExecutorSettings(), venue, data_dir)),
    ):
        await eventually(lambda: runtime.telemetry.not_ready() == [])
        yield Trading(runtime, trades)


def a_venue(url: str, *, secret: str | None = "sim-secret", live: bool = False) -> ExchangeSettings:
    keys = {"mexc_api_key": secret and SecretStr("sim-key"), "mexc_api_secret": secret and SecretStr(secret)}
    return ExchangeSettings.model_validate({"mexc_rest_url": url, "live": live, **keys})


def an_unused_url() -> str:
    return f"http://127.0.0.1:{free_ports(1)[0]}"


def a_fresh_listing(symbol: str, *, at: datetime | None = None, **overrides: Any) -> Listing:
    times = dict.fromkeys(("listed_at", "observed_at", "published_at", "deduplicated_at"), at or utc_now())
    return a_listing(symbol=symbol, base_asset=symbol.removesuffix("USDT"), **times | overrides)
