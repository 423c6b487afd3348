"""An executor at work on a simulated exchange, for tests of what it buys and sells: real but for being in one loop."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from executor.service import serve
from executor.settings import ExecutorSettings
from shared.bus import embedded
from shared.events import Health, HealthStatus, Listing, Trade, utc_now
from shared.postgres.database import Database
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry
from shared.settings import ExchangeSettings
from shared.wire.topology import PERSISTER_HEALTH, PERSISTER_TRADES, SNIPER, to_message
from tests.support.data.builders import a_listing
from tests.support.running.policies import configure_exits, split
from tests.support.running.services import Outlet, emptying, open_database, serving
from tests.support.running.simulators import Simulator
from tests.waiting import eventually

QUICK: Mapping[str, Any] = {
    "exit_check_seconds": 0.1,
    "protection_seconds": 0.2,
    "absent_reads": 2,
    "recv_window_ms": 500,
    "exchange_timeout_seconds": 2.0,
    # A test lists what it likes, and looks as often.
    "orders_per_minute": 1000,
    "weight_per_10_seconds": 100_000,
    "requests_per_second": 10_000,
    "key_weight_per_10_seconds": 100_000,
    "key_requests_per_second": 10_000,
}
SECONDS = 20
ONE_DOLLAR: Mapping[str, Any] = {"price": "1", "swing": 0}
"""A coin whose price stands still until the test moves it."""


class Desk:
    """A running executor, its database and its exchange."""

    def __init__(self, simulator: Simulator, runtime: Runtime, trades: Outlet, health: Outlet) -> None:
        self.simulator = simulator
        self.runtime = runtime
        self.database = runtime.database
        self._trades = trades
        self._health = health

    async def tell(self, listing: Listing) -> None:
        """Announce *listing*."""
        await self.runtime.bus.publish(to_message(listing))

    async def buy(self, symbol: str, **coin: Any) -> Mapping[str, Any]:
        """List *symbol* and have it bought; return the position."""
        await self.simulator.list_coin(symbol, **{**ONE_DOLLAR, **coin})
        await self.tell(fresh(symbol))
        return await self.position_in(symbol, "open")

    async def move(self, symbol: str, price: str) -> None:
        await self.simulator.change_coin(symbol, price=price)

    async def position_in(self, symbol: str, *states: str) -> Mapping[str, Any]:
        """Return the position of *symbol* once it is in one of *states*."""

        async def found() -> list[Mapping[str, Any]]:
            return [each for each in await self.positions(symbol) if each["state"] in states]

        positions: list[Mapping[str, Any]] = await eventually(found, within_seconds=SECONDS)
        return positions[0]

    async def positions(self, symbol: str) -> list[Mapping[str, Any]]:
        return await self.rows("SELECT * FROM positions WHERE symbol = $1", symbol)

    async def sales(self, symbol: str) -> list[Mapping[str, Any]]:
        """Return what the journal holds of the sales of *symbol*."""
        return await self.rows("SELECT * FROM orders WHERE symbol = $1 AND side = 'SELL' ORDER BY sequence", symbol)

    async def sent_sales(self, symbol: str) -> list[dict[str, Any]]:
        """Return the requests to sell *symbol* that reached the exchange."""
        return [each for each in await self.simulator.orders(symbol) if each["side"] == "SELL" and not each["test"]]

    async def exposure(self, mode: str = "live") -> tuple[Decimal, Decimal]:
        """Return what is reserved and what is held."""
        [row] = await self.rows("SELECT reserved_usdt, filled_usdt FROM exposure WHERE mode = $1", mode)
        return row["reserved_usdt"], row["filled_usdt"]

    async def rows(self, query: str, *arguments: object) -> list[Mapping[str, Any]]:
        async with self.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]

    async def execute(self, statement: str, *arguments: object) -> None:
        async with self.database.connection() as connection:
            await connection.execute(statement, *arguments)

    async def trade(self, symbol: str, side: str, status: str) -> Trade:
        """Return the trade published of this."""

        def told() -> list[Trade]:
            trades = [each for each in self._trades.events if isinstance(each, Trade)]
            return [each for each in trades if (each.symbol, each.side, each.status) == (symbol, side, status)]

        return (await eventually(told, within_seconds=SECONDS))[0]

    def health(self, component: str) -> tuple[HealthStatus, str] | None:
        """Return what was last said of *component*."""
        said = [each for each in self._health.events if isinstance(each, Health) and each.component == component]
        return (said[-1].status, said[-1].detail) if said else None

    def figure(self, metric: str, **labels: str) -> float | None:
        """Return what the executor's *metric* shows."""
        return self.runtime.telemetry.registry.get_sample_value(metric, labels)

    async def exits_say(self, status: HealthStatus, detail: str = "") -> None:
        """Return once the exits' health is *status*, with *detail* in its explanation."""

        def says() -> bool:
            said = self.health("exits")
            return said is not None and said[0] is status and detail in said[1]

        await eventually(says, within_seconds=SECONDS)


def fresh(symbol: str, *, at: datetime | None = None, **more: Any) -> Listing:
    """Return a listing of now."""
    times = dict.fromkeys(("listed_at", "observed_at", "published_at", "deduplicated_at"), at or utc_now())
    return a_listing(symbol=symbol, base_asset=symbol.removesuffix("USDT"), **times, **more)


def venue_of(simulator: Simulator, *, live: bool) -> ExchangeSettings:
    return ExchangeSettings(
        mexc_rest_url=simulator.rest_url,
        mexc_ws_url=simulator.ws_url,
        mexc_api_key=SecretStr(simulator.api_key),
        mexc_api_secret=SecretStr(simulator.api_secret),
        live=live,
    )


@asynccontextmanager
async def executor_running(
    runtime: Runtime, simulator: Simulator, directory: Path, *, live: bool = True, **settings: Any
) -> AsyncIterator[None]:
    """Run one executor on *runtime* for the time of the block."""
    policy, rest = split(settings)
    await configure_exits(runtime.database, **policy)
    chosen = ExecutorSettings(**{**QUICK, **rest})
    venue = venue_of(simulator, live=live)
    async with serving(runtime, lambda own: serve(own, chosen, venue, directory)):
        await eventually(lambda: runtime.telemetry.not_ready() == [], within_seconds=SECONDS)
        yield


@asynccontextmanager
async def desk(
    database_url: str, simulator: Simulator, directory: Path, *, live: bool = True, **settings: Any
) -> AsyncIterator[Desk]:
    """Run an executor; it trades live unless set otherwise."""
    async with open_database(database_url) as database, watched_runtime(database) as (runtime, trades, health):
        opened = Desk(simulator, runtime, trades, health)
        await opened.execute("UPDATE trade_config SET auto_trade = $1", live)
        async with executor_running(runtime, simulator, directory, live=live, **settings):
            yield opened


@asynccontextmanager
async def watched_runtime(database: Database) -> AsyncIterator[tuple[Runtime, Outlet, Outlet]]:
    """Yield the runtime of an executor, and its published trades and health reports, up to the final ones."""
    async with embedded.open_embedded(database.pool, SNIPER, drain_seconds=5) as bus:
        runtime = Runtime(bus, database, Telemetry(), asyncio.Event())
        async with emptying(bus, PERSISTER_TRADES) as trades, emptying(bus, PERSISTER_HEALTH) as health:
            yield runtime, trades, health


def statuses(orders: Sequence[Mapping[str, Any]]) -> list[tuple[int, str, str]]:
    """Return sequence, state and exit reason of each."""
    return [(each["sequence"], each["state"], each["exit_reason"]) for each in orders]
