"""A market that lies, and an executor that trades live on it: real processes, a real broker, a real database."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from executor.settings import ExecutorSettings
from shared.events import (
    Health,
    HealthStatus,
    Listing,
    ListingRescheduled,
    Side,
    Trade,
    TradeStatus,
    utc_now,
)
from shared.mexc.symbol_payloads import symbol_info
from shared.mexc.symbols import rules_of
from shared.process.runtime import Runtime
from shared.wire.topology import PERSISTER_HEALTH, PERSISTER_TRADES, to_message
from tests.hostile.agreement import Row, coins_are_those_of_the_ledger, one_order_of_each_listing
from tests.servers.databases import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.data.builders import a_listing
from tests.support.running.compositions import CHOSEN, INGEST, Composition, Newcomers
from tests.support.running.policies import configure_exits, split
from tests.support.running.processes import Sniper, sniper
from tests.support.running.services import Outlet, emptying, rabbitmq_runtime
from tests.support.running.simulators import SimulatorProcess, plain_http, running_simulator
from tests.waiting import eventually

SECONDS: Final = 25
_OVER: Final = ("closed", "written_off")
LIMIT_USDT: Final = Decimal(100)
QUICK: Final[Mapping[str, Any]] = {
    "exit_check_seconds": 0.1,
    "exit_streams": False,
    "dust_seconds": 1,
    "protection_seconds": 0.5,
    "absent_reads": 2,
    "recv_window_ms": 1000,
    "exchange_timeout_seconds": 1.5,
    "retry_seconds": 3,
    "retry_every_seconds": 0.1,
    "orders_per_minute": 1000,
    "orders_per_day": 100_000,
    "daily_spend_usdt": 1_000_000,
    "listings_per_minute_max": 1000,
    "failures_max": 1000,
    "weight_per_10_seconds": 100_000,
    "requests_per_second": 10_000,
    "key_weight_per_10_seconds": 100_000,
    "key_requests_per_second": 10_000,
}
"""Everything that is waited for is short; the limits on exposure are those of a careful operator.

Prices are looked at by REST alone, whose lies these are; tests of streams switch them on.
"""
PRODUCTION: Final[Mapping[str, Any]] = {name: getattr(ExecutorSettings(), name) for name in QUICK}
"""The same, as they are unless an operator says otherwise."""
COIN: Final[Mapping[str, Any]] = {
    "price": "1",
    "swing": 0,
    "asks": [("1", "100000")],
    "bids": [("0.99", "100000")],
}
"""A coin that costs 1 USDT and can be sold for 0.99, until the test says otherwise."""
LOOKS: Final = ("GET /api/v3/depth", "GET /api/v3/ticker/bookTicker")
"""Every way to see what a coin can be sold for."""
ENDS: Final = "SELECT side, state, error_reason FROM orders WHERE symbol = $1"
UNDER_WAY: Final = """
SELECT symbol, side, state FROM orders WHERE mode = 'live' AND state IN ('sending', 'acknowledged', 'unknown')
"""


@dataclass(slots=True)
class Ground:
    """One exchange, one virtual host and one database; executors come and go."""

    exchange: SimulatorProcess
    runtime: Runtime
    trades: Outlet
    health: Outlet
    environment: Mapping[str, str]
    directory: Path
    ahead: timedelta = timedelta(0)
    """How far the exchange's clock is ahead of this machine's."""
    shift: AsyncExitStack = field(default_factory=AsyncExitStack)
    resident: Sniper | None = None
    chosen: Mapping[str, Any] = field(default_factory=dict)
    """What the resident executor was started with."""
    gifts: set[str] = field(default_factory=set)
    judged: int = 0
    """How many fills, the oldest, are of tests before: other limits may have held for them."""
    composition: Composition = CHOSEN
    newcomers: Newcomers | None = None
    """On the express way."""

    @asynccontextmanager
    async def executor(self, *, ready: bool = True, **settings: Any) -> AsyncIterator[Sniper]:
        """Run an executor with these settings, which is ready unless said otherwise.

        The resident one goes first, and this one at the end of the block.
        """
        await self.relieved()
        policy, settings = split(settings)
        await configure_exits(self.runtime.database, **policy)
        chosen = as_variables("SNIPER_EXECUTOR_", {**QUICK, **settings})
        environment = {**self.environment, **chosen}
        service = self.composition.command
        async with sniper("run", service, environment=environment, directory=self.directory) as running:
            if ready:
                await running.ready()
            yield running

    async def staffed(self, *, ready: bool = True, **settings: Any) -> Sniper:
        """Return an executor with these settings, which stays: the one of the test before, where that has the same.

        It is ready unless said otherwise.
        """
        if self.resident is None or not self.has_executor or self.chosen != settings:
            running = self.executor(ready=ready, **settings)
            entered = await running.__aenter__()
            self.shift.push_async_exit(running)
            self.resident, self.chosen = entered, settings
        return self.resident

    async def anyone(self, **settings: Any) -> Sniper:
        """Return the executor of the test before, with whichever settings; one with these where none runs."""
        if self.resident is not None and self.has_executor:
            return self.resident
        return await self.staffed(**settings)

    @property
    def has_executor(self) -> bool:
        """Return whether a resident executor runs."""
        return self.resident is not None and self.resident.process.returncode is None

    async def relieved(self) -> None:
        """End the resident executor, as a power cut would."""
        self.resident = None
        await self.shift.aclose()

    def now(self) -> datetime:
        """Return the exchange's time."""
        return utc_now() + self.ahead

    async def lists(self, symbol: str, **coin: Any) -> Listing:
        """List *symbol* at the exchange, and return what would be announced of it now, with its rules of now."""
        hidden = {} if self.newcomers is None else self.newcomers.hide(symbol)
        await self.exchange.list_coin(symbol, **{**COIN, **hidden, **coin})
        return await self.seen(symbol, price=str({**COIN, **coin}["price"]))

    async def seen(self, symbol: str, *, price: str = "1") -> Listing:
        """Return what would be announced of *symbol* if it were seen now."""
        caller = {"X-MEXC-APIKEY": symbol.encode().hex()}  # Another than the executor, with limits of its own.
        async with plain_http(self.exchange.rest_url) as http:
            answer = await http.get("/api/v3/exchangeInfo", params={"symbol": symbol}, headers=caller)
        shown = answer.json()["symbols"][0]
        info = symbol_info(msgspec.Raw(msgspec.json.encode(shown)))
        assert info is not None, f"{symbol} cannot be read"
        times = dict.fromkeys(("listed_at", "observed_at", "published_at", "deduplicated_at"), self.now())
        described = {"symbol": symbol, "base_asset": info.base_asset, "quote_asset": info.quote_asset}
        listing = a_listing(price=Decimal(price), rules=rules_of(info), **described, **times)
        return listing if self.newcomers is None else self.newcomers.learned(listing)

    async def announces(self, listing: Listing) -> None:
        """Announce *listing*; on the express way, once its process has seen it at the exchange."""
        if self.newcomers is not None:
            await self.newcomers.before(listing)
        await self.runtime.bus.publish(to_message(listing))
        if self.newcomers is not None:
            await self.newcomers.after(listing)

    async def reschedules(self, listing: Listing, opens_at: datetime, *, seen_at: datetime | None = None) -> None:
        """Announce another opening of *listing*, observed now unless said otherwise."""
        news = {"opens_at": opens_at, "observed_at": seen_at or self.now()}
        moved = ListingRescheduled.model_validate(listing.model_dump() | news)
        await self.runtime.bus.publish(to_message(moved))

    async def falls(self, symbol: str, to: str = "0.7") -> int:
        """Let the market of *symbol* stand at *to*; return when that began, in ns of this machine's clock."""
        ask = str(Decimal(to) * Decimal("1.01"))
        fell_at_ns = time.time_ns()
        await self.exchange.change_coin(symbol, price=to, asks=[(ask, "100000")], bids=[(to, "100000")])
        return fell_at_ns

    async def buys(self, symbol: str, **coin: Any) -> Listing:
        """List *symbol*, announce it, and return once it is held."""
        listing = await self.lists(symbol, **coin)
        await self.announces(listing)
        await self.position(symbol, "open")
        return listing

    async def gives(self, asset: str, quantity: str) -> None:
        """Put coins into the account that nothing explains, until the test is over."""
        self.gifts.add(asset)
        await self.exchange.fund(**{asset: quantity})

    async def rows(self, query: str, *arguments: object) -> list[Row]:
        async with self.runtime.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]

    async def execute(self, statement: str, *arguments: object) -> None:
        async with self.runtime.database.connection() as connection:
            await connection.execute(statement, *arguments)

    async def order(self, symbol: str, *states: str, side: str = "BUY", within_seconds: float = SECONDS) -> Row:
        """Return the latest order of *symbol* on that side once it is in one of *states*."""

        async def there() -> Row:
            query = "SELECT * FROM orders WHERE symbol = $1 AND side = $2 ORDER BY sequence DESC LIMIT 1"
            [found] = await self.rows(query, symbol, side)
            assert found["state"] in states, f"{symbol} is {found['state']}: {found['error_reason']}"
            return found

        return await eventually(there, within_seconds=within_seconds, every_seconds=0.03)

    async def position(self, symbol: str, *states: str, within_seconds: float = SECONDS) -> Row:
        """Return the position of *symbol* once it is in one of *states*."""

        async def there() -> Row:
            found = await self.rows("SELECT * FROM positions WHERE symbol = $1", symbol)
            assert found, f"no position of {symbol}: {await self.rows(ENDS, symbol)}"
            assert found[0]["state"] in states, f"the position of {symbol} is {found[0]['state']}"
            return found[0]

        return await eventually(there, within_seconds=within_seconds, every_seconds=0.03)

    async def sold(self, symbol: str, within_seconds: float = SECONDS) -> Row:
        """Return the position of *symbol* once nothing of it is left."""
        return await self.position(symbol, "closed", within_seconds=within_seconds)

    async def posted(self, symbol: str, side: str = "BUY") -> list[dict[str, Any]]:
        """Return the order requests of that side that the exchange received."""
        received = await self.exchange.orders(symbol)
        return [each for each in received if each["side"] == side and not each["test"]]

    async def sale_on_the_wire(self, symbol: str, *, count: int = 1, within_seconds: float = SECONDS) -> dict[str, Any]:
        """Return the first request to sell *symbol* once the exchange has received *count* of them."""

        async def received() -> list[dict[str, Any]]:
            sales = await self.posted(symbol, "SELL")
            return sales if len(sales) >= count else []

        sales: list[dict[str, Any]] = await eventually(received, within_seconds=within_seconds, every_seconds=0.02)
        return sales[0]

    async def looked(self, *, times: int = 3, within_seconds: float = SECONDS) -> None:
        """Return once prices were looked at that often from now on, in whichever way."""
        before = await self._looks()

        async def enough() -> bool:
            return await self._looks() >= before + times

        await eventually(enough, within_seconds=within_seconds, every_seconds=0.02)

    async def _looks(self) -> int:
        requests = await self.exchange.requests()
        return sum(requests.get(endpoint, 0) for endpoint in LOOKS)

    async def allows(self, *, trade_usdt: int, position_usdt: int) -> None:
        """Set the limits of trade_config."""
        await self.execute(
            "UPDATE trade_config SET max_trade_usdt = $1, max_position_usdt = $2", trade_usdt, position_usdt
        )

    async def says(self, component: str, status: HealthStatus, detail: str = "") -> Health:
        """Return what was last published of *component* once it is *status*, with *detail* in its explanation."""

        def said() -> Health:
            published = [each for each in self.health.events if isinstance(each, Health)]
            last = [each for each in published if each.component == component][-1]
            assert last.status is status, f"{component} is {last.status}: {last.detail}"
            assert detail in last.detail, f"{component} says {last.detail!r}"
            return last

        return await eventually(said, within_seconds=SECONDS)

    def prices(self) -> Mapping[str, str]:
        """Return the source of prices of each coin that is followed, as health has it."""
        told = [each for each in self.health.events if isinstance(each, Health) and each.component == "exits"]
        found: Mapping[str, str] = (told[-1].facts or {}).get("prices", {}) if told else {}  # type: ignore[assignment]
        return found

    def published(self, listing: Listing) -> list[Trade]:
        """Return the trades published of *listing*, in their order."""
        return [each for each in self.trades.events if isinstance(each, Trade) and each.listing_key == listing.key]

    async def told(self, listing: Listing) -> list[Trade]:
        """Return the same once the end of its purchase is among them: the books have it before it is published."""

        def ended() -> list[Trade]:
            trades = self.published(listing)
            ends = [each for each in trades if each.side is Side.BUY and each.status is not TradeStatus.PENDING]
            return trades if ends else []

        return await eventually(ended, within_seconds=SECONDS)

    async def exposure(self) -> tuple[Decimal, Decimal]:
        """Return what the books reserve and hold."""
        [row] = await self.rows("SELECT reserved_usdt, filled_usdt FROM exposure WHERE mode = 'live'")
        return row["reserved_usdt"], row["filled_usdt"]

    async def agrees(self) -> None:
        """Assert what must be true whatever the exchange has done, once nothing is under way."""
        await eventually(self.is_at_rest, within_seconds=SECONDS, every_seconds=0.03)
        entries = [each for each in await self.exchange.orders() if not each["test"]]
        positions = await self.rows("SELECT * FROM positions WHERE mode = 'live'")
        one_order_of_each_listing(entries)
        coins_are_those_of_the_ledger(entries, positions)
        fills = (await self.exchange.spending())["fills"][self.judged :]
        [limits] = await self.rows("SELECT max_position_usdt FROM trade_config")
        highest = max((Decimal(each["exposure"]) for each in fills), default=Decimal(0))
        assert highest <= limits["max_position_usdt"], "the limit was passed"
        counted = sum((each["cost_usdt"] for each in positions if each["state"] not in _OVER), Decimal(0))
        assert await self.exposure() == (Decimal(0), counted), "exposure differs from the positions held"

    async def is_at_rest(self) -> bool:
        """Return whether the outcome of every order is known."""
        return await self.rows(UNDER_WAY) == []

    async def judge_from_now_on(self) -> None:
        """Let other limits hold for the fills to come than for those until now."""
        self.judged = len((await self.exchange.spending())["fills"])


def as_variables(prefix: str, settings: Mapping[str, Any]) -> Mapping[str, str]:
    """Return *settings* as variables of the environment."""
    return {f"{prefix}{name.upper()}": str(value) for name, value in settings.items()}


@asynccontextmanager
async def a_ground(
    postgres: PostgresServer,
    rabbitmq: RabbitMQServer,
    directory: Path,
    *,
    composition: Composition = CHOSEN,
    **exchange: Any,
) -> AsyncIterator[Ground]:
    """Live trading is on, 95 USDT a listing, 100 in all; no executor runs yet. Those that will are of *composition*."""
    url, vhost = postgres.create_migrated_database(), rabbitmq.create_vhost()
    broker_url = rabbitmq.url_for(vhost)
    try:
        async with (
            running_simulator(**exchange) as simulator,
            rabbitmq_runtime(url, broker_url) as runtime,
            emptying(runtime.bus, PERSISTER_TRADES) as trades,
            emptying(runtime.bus, PERSISTER_HEALTH) as health,
        ):
            environment = {
                "SNIPER_DATABASE_URL": url,
                "SNIPER_BROKER_URL": broker_url,
                "SNIPER_MEXC_REST_URL": simulator.rest_url,
                "SNIPER_MEXC_WS_URL": simulator.ws_url,
                "SNIPER_MEXC_API_KEY": simulator.api_key,
                "SNIPER_MEXC_API_SECRET": simulator.api_secret,
                "SNIPER_LIVE": "true",
                "SNIPER_DATA_DIR": str(directory / "data"),
            }
            ahead = timedelta(seconds=exchange.get("clock_ahead_seconds", 0))
            ground = Ground(simulator, runtime, trades, health, environment, directory, ahead, composition=composition)
            if composition is Composition.EXPRESS:
                ground.newcomers = Newcomers(simulator, ground.rows)
                ground.environment = {**environment, **as_variables("SNIPER_INGEST_", INGEST)}
            await ground.execute(
                "UPDATE trade_config SET auto_trade = true, max_trade_usdt = $1, max_position_usdt = $1", LIMIT_USDT
            )
            try:
                yield ground
            finally:
                await ground.relieved()
    finally:
        await asyncio.to_thread(rabbitmq.delete_vhost, vhost)
        postgres.drop_database(url)
