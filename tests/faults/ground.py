"""Environment of executors under test: a real exchange, broker and database, and their final contents."""

import asyncio
import dataclasses
import itertools
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from executor.model.order import client_order_id
from shared.control.halts import IN_FORCE
from shared.events import Listing, ListingKey, Mode, Side, Trade, TradeStatus, TradingRules, utc_now
from shared.process.runtime import Runtime
from shared.wire.topology import PERSISTER_TRADES, to_message
from tests.faults.executor_child import Orders
from tests.faults.executors import ExecutorProcess, executor_process, holding
from tests.servers.databases import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.data.builders import a_listing
from tests.support.running.compositions import CHOSEN, INGEST, Composition, Newcomers
from tests.support.running.policies import configure_exits, split
from tests.support.running.services import Outlet, emptying, rabbitmq_runtime
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.waiting import eventually

SETTLE_SECONDS = 40
QUICK: Mapping[str, Any] = {
    "retry_seconds": 1.5,
    "retry_every_seconds": 0.1,
    "exchange_timeout_seconds": 1.5,
    "recv_window_ms": 1000,
    "protection_seconds": 0.5,
    "absent_reads": 2,
    "failures_max": 1000,
    "orders_per_minute": 1000,
    "orders_per_day": 10_000,
    "daily_spend_usdt": 1_000_000,
    "listings_per_minute_max": 10_000,
    "orders_per_second": 100,
    "weight_per_10_seconds": 100_000,
    "requests_per_second": 10_000,
    "key_weight_per_10_seconds": 100_000,
    "key_requests_per_second": 10_000,
    "order_usdt": "20",
}
"""Everything that is waited for is short, and no limit is in the way."""
LIMITS = (
    "orders_per_second",
    "weight_per_10_seconds",
    "requests_per_second",
    "key_weight_per_10_seconds",
    "key_requests_per_second",
)
"""What of it belongs to the exchange's rate limits."""
OPEN = "state IN ('sending', 'acknowledged', 'unknown') OR (state = 'armed' AND fire_at IS NOT NULL)"
"""What something will still become of, by itself."""
HALTS_ASKED_SINCE = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'sniper-executor'
    AND query_start > $1 AND left(query, 500) = left($2, 500)
"""
AS_ON_THE_NORMAL_WAY = {"cli.composing.express.claim.CLAIM_AND_RESERVE": "reservation_sql.RESERVE"}
"""Points of the express way by the names of those that they stand in for."""
RULES = TradingRules(base_precision=2, quote_precision=2, quote_amount_min=Decimal(1))


@dataclass(slots=True)
class Ground:
    """One exchange, one virtual host and one database, for executors that come and go."""

    simulator: SimulatorProcess
    runtime: Runtime
    trades: Outlet
    orders: Orders
    numbers: Iterator[int] = field(default_factory=itertools.count)
    shifts: AsyncExitStack = field(default_factory=AsyncExitStack)
    resident: ExecutorProcess | None = None
    newcomers: Newcomers | None = None
    """On the express way."""

    @asynccontextmanager
    async def executor(self, *hold: str, **settings: Any) -> AsyncIterator[ExecutorProcess]:
        """Run an executor that waits at the points *hold*; yield it once it is ready. One left over ends."""
        async with self.starting(*hold, **settings) as process:
            await process.ready()
            yield process

    async def staffed(self, **settings: Any) -> ExecutorProcess:
        """Return an executor that runs: the one of the test before, where that has left it alone.

        The settings hold from the next one on.
        """
        if self.resident is None or not self.resident.is_alive():
            self.resident = await self.shifts.enter_async_context(self.executor(**settings))
        return self.resident

    async def relieved(self) -> ExecutorProcess:
        """Return an executor that has decided on nothing yet: one that has does not read again what it has read."""
        self.resident = None
        await self.shifts.aclose()
        return await self.staffed()

    @asynccontextmanager
    async def starting(self, *hold: str, **settings: Any) -> AsyncIterator[ExecutorProcess]:
        """The same, which may never get ready."""
        self.resident = None
        await self.shifts.aclose()
        policy, rest = split(settings)
        await configure_exits(self.runtime.database, **policy)
        told = dataclasses.replace(holding(self.orders, *hold), settings={**QUICK, **rest})
        async with executor_process(told) as process:
            yield process

    async def lists(self, symbol: str = "", **coin: Any) -> Listing:
        """List a coin that costs 1 USDT, and return what dedup would say of it now."""
        name = symbol or f"T{next(self.numbers):04d}USDT"
        described: dict[str, Any] = {"price": "1", "swing": 0, "depth_quote": "50000"}
        if self.newcomers is not None:
            described |= self.newcomers.hide(name)
        await self.simulator.list_coin(name, **described | coin)
        listing = self.told_of(name)
        return listing if self.newcomers is None else self.newcomers.learned(listing)

    def told_of(self, symbol: str, **overrides: Any) -> Listing:
        times = dict.fromkeys(("listed_at", "observed_at", "published_at", "deduplicated_at"), utc_now())
        described: dict[str, Any] = {"symbol": symbol, "base_asset": symbol.removesuffix("USDT"), **times}
        return a_listing(**described | {"price": Decimal(1), "rules": RULES} | overrides)

    async def publish(self, listing: Listing) -> None:
        """Announce *listing*; on the express way, once its process has seen it at the exchange."""
        if self.newcomers is not None:
            await self.newcomers.before(listing)
        await self.runtime.bus.publish(to_message(listing))
        if self.newcomers is not None:
            await self.newcomers.after(listing)

    async def rows(self, sql: str, *arguments: object) -> list[Mapping[str, Any]]:
        async with self.runtime.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(sql, *arguments)]

    async def execute(self, sql: str, *arguments: object) -> None:
        async with self.runtime.database.connection() as connection:
            await connection.execute(sql, *arguments)

    async def order(self, listing: Listing, mode: Mode = Mode.LIVE) -> Mapping[str, Any] | None:
        found = await self.rows(
            "SELECT * FROM orders WHERE listing_key = $1 AND mode = $2 AND side = 'BUY'", listing.key, mode
        )
        return found[0] if found else None

    async def becomes(
        self, listing: Listing, *states: str, within_seconds: float = SETTLE_SECONDS
    ) -> Mapping[str, Any]:
        """Return the order of *listing* once it is in one of *states*."""

        async def there() -> Mapping[str, Any]:
            order = await self.order(listing)
            assert order is not None, f"no order of {listing.symbol}"
            assert order["state"] in states, f"{listing.symbol} is {order['state']}: {order['error_reason']}"
            return order

        return await eventually(there, within_seconds=within_seconds, every_seconds=0.03)

    async def posted(self, listing: Listing) -> list[dict[str, Any]]:
        """Return the order requests that the exchange received for *listing*."""
        return [each for each in await self.simulator.orders(listing.symbol) if not each["test"]]

    async def placed(self, listing: Listing) -> list[dict[str, Any]]:
        """Return those of them that became orders."""
        return [each for each in await self.posted(listing) if each["accepted"]]

    def told(self, listing: Listing) -> list[Trade]:
        """Return the trades published of *listing*."""
        return [each for each in self.trades.events if isinstance(each, Trade) and each.listing_key == listing.key]

    async def halts_are_read(self) -> None:
        """Return once the executor knows what is in force now: it asks again only after it has taken in an answer."""
        for _ in range(2):
            [now] = await self.rows("SELECT clock_timestamp() AS time")
            await eventually(partial(self.rows, HALTS_ASKED_SINCE, now["time"], IN_FORCE), within_seconds=20)

    async def settled(self) -> None:
        """Return once nothing is open, everything is published, and no message waits."""

        async def quiet() -> bool:
            [open_orders] = await self.rows("SELECT count(*) FROM orders WHERE " + OPEN)
            [untold] = await self.rows("SELECT count(*) FROM trade_outbox")
            return (open_orders["count"], untold["count"]) == (0, 0)

        await eventually(quiet, within_seconds=SETTLE_SECONDS, every_seconds=0.05)
        await self.holds()

    async def holds(self) -> None:
        """Assert what must be true of every order there ever was, now that everything is settled."""
        orders = await self.rows("SELECT * FROM orders")
        entries = await self.simulator.orders()
        _one_live_order_of_each_listing(orders, entries)
        _every_order_was_committed_before(orders, entries)
        await self._exposure_is_what_is_held()
        await self._limits_held()
        ended = [order for order in orders if order["state"] != "armed"]
        await eventually(lambda: _untold(ended, self.trades) == [])

    async def _exposure_is_what_is_held(self) -> None:
        for mode in Mode:
            [exposure] = await self.rows("SELECT * FROM exposure WHERE mode = $1", mode)
            [held] = await self.rows(
                "SELECT coalesce(sum(cost_usdt), 0) AS cost FROM positions WHERE mode = $1"
                " AND state IN ('open', 'closing')",
                mode,
            )
            assert (exposure["reserved_usdt"], exposure["filled_usdt"]) == (0, held["cost"]), f"{mode} exposure"

    async def _limits_held(self) -> None:
        [config] = await self.rows("SELECT max_position_usdt FROM trade_config")
        spending = await self.simulator.spending()
        assert Decimal(spending["exposure_max"]) <= config["max_position_usdt"]


def _one_live_order_of_each_listing(orders: Iterable[Mapping[str, Any]], entries: Iterable[Mapping[str, Any]]) -> None:
    accepted = [each for each in entries if each["accepted"]]
    names = Counter(each["client_order_id"] for each in accepted)
    assert [name for name, count in names.items() if count > 1] == [], "more than one order under one name"
    placed = Counter(each["client_order_id"] for each in accepted if each["fills"])
    by_listing: defaultdict[str, int] = defaultdict(int)
    for order in orders:
        if order["side"] == "BUY" and order["mode"] == Mode.LIVE:
            by_listing[order["listing_key"]] += sum(placed[name] for name in _names(order))
    assert [key for key, count in by_listing.items() if count > 1] == [], "more than one order of one listing"


def _every_order_was_committed_before(
    orders: Iterable[Mapping[str, Any]], entries: Iterable[Mapping[str, Any]]
) -> None:
    committed = {name: order for order in orders for name in _names(order)}
    for entry in entries:
        order = committed.get(entry["client_order_id"])
        assert order is not None, f"an order without a row: {entry}"
        assert entry["received_at_ns"] > order["created_at"].timestamp() * 1e9, f"committed after it was sent: {entry}"


def _names(order: Mapping[str, Any]) -> set[str]:
    """Return every name under which an attempt of *order* may have been sent."""
    key, mode, side = ListingKey(order["listing_key"]), Mode(order["mode"]), Side(order["side"])
    numbers = range(2, order["attempt"] + 1)
    return {order["client_order_id"], *(client_order_id(key, mode, side, attempt=number) for number in numbers)}


def _untold(orders: Iterable[Mapping[str, Any]], trades: Outlet) -> list[str]:
    """Name the orders whose end was not published."""
    ends = {
        event.client_order_id
        for event in trades.events
        if isinstance(event, Trade) and event.status is not TradeStatus.PENDING
    }
    return [order["client_order_id"] for order in orders if order["client_order_id"] not in ends]


@asynccontextmanager
async def a_ground(
    postgres: PostgresServer,
    rabbitmq: RabbitMQServer,
    directory: Path,
    *,
    composition: Composition = CHOSEN,
    **exchange: Any,
) -> AsyncIterator[Ground]:
    """Live trading is on, with room for everything; no executor runs yet. Those that will are of *composition*."""
    url, vhost = postgres.create_migrated_database(), rabbitmq.create_vhost()
    broker_url = rabbitmq.url_for(vhost)
    try:
        async with AsyncExitStack() as stack:
            simulator = await stack.enter_async_context(running_simulator(**{"funds_usdt": 1_000_000} | exchange))
            runtime = await stack.enter_async_context(rabbitmq_runtime(url, broker_url))
            trades = await stack.enter_async_context(emptying(runtime.bus, PERSISTER_TRADES))
            orders = Orders(url, broker_url, simulator.rest_url, directory, directory / "executor.log")
            ground = Ground(simulator, runtime, trades, orders)
            if composition is Composition.EXPRESS:
                ground.newcomers = Newcomers(simulator, ground.rows)
                ground.orders = dataclasses.replace(
                    orders, ws_url=simulator.ws_url, ingest=dict(INGEST), renamed=AS_ON_THE_NORMAL_WAY
                )
            await ground.execute(
                "UPDATE trade_config SET auto_trade = true, max_trade_usdt = 100, max_position_usdt = 1000000"
            )
            async with ground.shifts:
                yield ground
    finally:
        await asyncio.to_thread(rabbitmq.delete_vhost, vhost)
        postgres.drop_database(url)
