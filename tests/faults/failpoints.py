"""Named points around every await of the executor, at which a test can hold it: the ports it is given, wrapped.

A point is ``before X`` or ``after X``, where X is a statement of the executor's SQL by the name of its constant, a
request to the exchange, a publication, or the answer to a delivery; ``X#2`` is its second time.
"""

import asyncio
import importlib
import pkgutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast

import executor
import ingest
from cli.composing.express.claim import CLAIM_AND_RESERVE
from executor.journal.order_row import Statement
from executor.journal.rehearsal import STATEMENTS
from executor.model.order import Order
from executor.rate_limits.rate_limiter import RateLimiter
from executor.settings import ExecutorSettings
from executor.venues.credentials import Credentials
from executor.venues.exchange_connections import Exchange, open_exchange
from executor.venues.venue import EVERY_WAY, Attempt, Finding, Venue, Way
from shared.bus.port import Bus, Handler, Message, Queue
from shared.mexc.orders.order_api import MayWrite, OrderRequest, SignedOrder
from shared.mexc.orders.order_reports import Balance
from shared.postgres.database import Connection, Database

T = TypeVar("T")

SHARED: Final = (
    "cli.composing.express.claim",
    "shared.control.config_store",
    "shared.control.exchange_identity",
    "shared.control.halts",
    "shared.control.monitor_switch",
    "shared.postgres.stored_rate_usage",
)
"""Modules beside the executor's own that hold its SQL, or that of the express way."""
UNPOINTED: Final = ("ingest.", "shared.control.exchange_identity.", "shared.control.monitor_switch.")
"""Statements without a point: no order depends on them."""
POLLS = frozenset(
    {
        "halt_watch.AUTO_TRADE",
        "shared.control.halts.IN_FORCE",
        "shared.postgres.stored_rate_usage.READ",
        "shared.postgres.stored_rate_usage.STORE",
        "exposure_metrics.EXPOSURE",
        "exposure_metrics.COUNTS",
        "exposure_metrics.HELD",
        "order_transitions.IN_STATES",
        "held_positions.HELD",
        "held_positions.HELD_LIVE",
        "outbox.READ",
        "outbox.READ_SET_ASIDE",
        "outbox.COUNT_SET_ASIDE",
        "announced_openings.LATER",
        "announced_openings.MISSED",
        "order_transitions.GIVEN_UP",
        "operator_settlement.PENDING",
        "readiness.AUTO_TRADE",
        "attempt_writer.EARLIER",
        "auto_trade_expiry.DUE",
        "daily_loss_breaker.RESULT",
        "daily_loss_breaker.HOLDINGS",
        "fee_prices.OPEN",
        "footprint_recovery.RECENT",
        "trading_status.BY_MODE",
        "trading_status.LIMITS",
        "trading_status.OUTBOX",
    }
)
"""What is read again and again beside the orders. Nothing is decided by these alone."""

REHEARSED: Final = frozenset(each.sql for each in (*STATEMENTS, CLAIM_AND_RESERVE))
"""Whoever decides fetches a row of these, or a value; rehearsals fetch what there is."""
_VERSION: Final = CLAIM_AND_RESERVE.names.index("version")

BESIDE_STATEMENTS: Final = frozenset({"cancel", "commit", "handle", "look up", "publish", "publish raw", "send"})
NAMES: Final = {"trade": "publish", "raw": "publish raw"}
"""Points of publications by the first word of their routing key."""

Reach = Callable[[str], Awaitable[None]]
"""Report a reached point, and return when it may be passed."""


class Points:
    """Counts the points, so that each time of each has a name of its own."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._times: Counter[str] = Counter()

    def start_over(self) -> None:
        """Count from the first time again."""
        self._times.clear()

    async def around(self, name: str, act: Callable[[], Awaitable[T]]) -> T:
        self._times[name] += 1
        numbered = name if self._times[name] == 1 else f"{name}#{self._times[name]}"
        await self._reach(f"before {numbered}")
        result = await act()
        await self._reach(f"after {numbered}")
        return result


def _named_statements() -> Mapping[str, str]:
    """Return the name of each SQL text that the executor's modules hold."""
    names: dict[str, str] = {}
    own = (
        each.name
        for package in (executor, ingest)
        for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not each.ispkg
    )
    for module_name in [*own, *SHARED]:
        for name, value in vars(importlib.import_module(module_name)).items():
            text = value.sql if isinstance(value, Statement) else value
            if name.isupper() and isinstance(text, str) and " " in text.strip():
                names.setdefault(text, f"{_short(module_name)}.{name}")
    return names


@cache
def _steps() -> frozenset[str]:
    """Return what there are points around."""
    return frozenset(_named_statements().values()) - POLLS | BESIDE_STATEMENTS


def require_points(*points: str) -> None:
    """Raise ValueError for one that is never reached: its statement has another name, or another module, by now."""
    unknown = {
        each
        for each in points
        if each.startswith(("before ", "after ")) and each.partition(" ")[2].partition("#")[0] not in _steps()
    }
    if unknown:
        raise ValueError(f"there are no such points: {sorted(unknown)}")


def _short(module_name: str) -> str:
    """Return the name of a module as points use it: without the folders of the executor."""
    return module_name.rpartition(".")[2] if module_name.startswith("executor.") else module_name


class _PointedConnection:
    """A connection whose statements have points around them."""

    def __init__(self, connection: Connection, points: Points, names: Mapping[str, str]) -> None:
        self._connection = connection
        self._points = points
        self._names = names
        self.has_points = False
        """Whether one of its statements had points around it."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name not in {"fetch", "fetchrow", "fetchval", "execute"}:
            return found

        async def call(sql: str, *arguments: object) -> Any:
            statement = self._names.get(sql, f"nameless: {sql}")
            if _is_rehearsal(name, sql, arguments) or statement in POLLS or statement.startswith(UNPOINTED):
                return await found(sql, *arguments)
            self.has_points = True
            return await self._points.around(statement, lambda: found(sql, *arguments))

        return call


def _is_rehearsal(method: str, sql: str, arguments: Sequence[object]) -> bool:
    """Return whether a statement is rehearsed: alone, or with the whole express way, for no version of the config."""
    is_way = sql == CLAIM_AND_RESERVE.sql and not arguments[_VERSION]
    return is_way or (method == "fetch" and sql in REHEARSED)


@dataclass(frozen=True, slots=True)
class PointedDatabase(Database):
    points: Points
    names: Mapping[str, str]

    @classmethod
    def of(
        cls, database: Database, points: Points, renamed: Mapping[str, str] = MappingProxyType({})
    ) -> "PointedDatabase":
        """Name the points by the statements, but for those that are *renamed*."""
        names = {text: renamed.get(name, name) for text, name in _named_statements().items()}
        return cls(database.pool, database.engines, points, names)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with Database(self.pool, self.engines).connection() as connection:
            yield cast("Connection", _PointedConnection(connection, self.points, self.names))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """The same as of any database, with points around its commit."""
        async with self.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                yield connection
            except (TimeoutError, asyncio.CancelledError):
                raise
            except BaseException:
                await transaction.rollback()
                raise
            # The commit of statements without points has none.
            if cast("_PointedConnection", connection).has_points:
                await self.points.around("commit", transaction.commit)
            else:
                await transaction.commit()


class PointedBus:
    """A bus with points around publishing trades and sightings, and between handling a message and its answer."""

    def __init__(self, bus: Bus, points: Points) -> None:
        self._bus = bus
        self._points = points

    async def publish(self, message: Message, /) -> None:
        publish = partial(self._bus.publish, message)
        name = NAMES.get(message.routing_key.partition(".")[0])
        await (publish() if name is None else self._points.around(name, publish))

    async def consume(self, queue: Queue, handle: Handler, *, until: asyncio.Event) -> None:
        async def pointed(message: Message) -> Sequence[Message]:
            return await self._points.around("handle", partial(handle, message))

        await self._bus.consume(queue, pointed, until=until)

    def is_connected(self) -> bool:
        return self._bus.is_connected()


class PointedVenue:
    """An exchange with points around each request about an order."""

    def __init__(self, venue: Venue, points: Points) -> None:
        self._venue = venue
        self._points = points

    def sign(self, request: OrderRequest, /, *, at_ms: int | None = None) -> SignedOrder:
        return self._venue.sign(request, at_ms=at_ms)

    async def send(self, order: Order, signed: SignedOrder, may_write: MayWrite, /) -> Attempt:
        return await self._points.around("send", partial(self._venue.send, order, signed, may_write))

    async def look_up(self, order: Order, ways: Collection[Way] = EVERY_WAY, /, *, has_ended: bool = False) -> Finding:
        looking = partial(self._venue.look_up, order, ways, has_ended=has_ended)
        return await self._points.around("look up", looking)

    async def balance(self, asset: str, /) -> Balance | None:
        return await self._venue.balance(asset)

    async def cancel(self, order: Order, exchange_order_id: str, /) -> None:
        await self._points.around("cancel", partial(self._venue.cancel, order, exchange_order_id))


@asynccontextmanager
async def open_pointed_exchange(
    points: Points,
    rest_url: str,
    keys: Credentials | None,
    settings: ExecutorSettings,
    limiter: RateLimiter,
    *,
    live: bool,
) -> AsyncIterator[Exchange]:
    """Connect as the executor does by itself."""
    async with open_exchange(rest_url, keys, settings, limiter, live=live) as exchange:
        venues = {mode: PointedVenue(venue, points) for mode, venue in exchange.venues.items()}
        yield replace(exchange, venues=venues)
