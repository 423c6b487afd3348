"""The executor's service as a process of its own on a model exchange and a virtual clock, to be killed anywhere."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from pydantic import SecretStr

from executor.pricing.paper_footprint import PaperFootprint
from executor.rate_limits.rate_limiter import RateLimiter
from executor.service import serve
from executor.settings import ExecutorSettings
from executor.venues.credentials import Credentials
from executor.venues.dry_run import DryRun
from executor.venues.exchange_connections import Exchange, ForExits
from executor.venues.live import Live, LiveSide
from executor.venues.venue import Venue
from shared.bus.port import Handler, Message, Queue
from shared.errors import TransientError
from shared.events import Health, Listing, ListingRescheduled, Mode, Side
from shared.mexc.market_data import MexcMarketData
from shared.mexc.orders.account import MexcAccount
from shared.mexc.orders.order_api import MexcTrading
from shared.mexc.time.exchange_clock import ExchangeClock, TradingClock
from shared.postgres.database import Connection, Database
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry
from shared.settings import ExchangeSettings
from shared.wire import cloudevents, topology
from tests.support.data.builders import NOON
from tests.support.model.model_exchange import ModelExchange

_AGAIN_SECONDS = 0.2
_KEYS = {"mexc_api_key": SecretStr("key"), "mexc_api_secret": SecretStr("secret")}


@dataclass
class ModelBus:
    """Keeps what was not handled, hands it on again, and remembers who said that he was how."""

    waiting: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    health: dict[str, Health] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def publish(self, message: Message, /) -> None:
        event = cloudevents.decode(message.body)
        if isinstance(event, Health):
            self.health[event.component] = event

    def announce(self, listing: Listing) -> None:
        is_moved = isinstance(listing, ListingRescheduled)
        queue = topology.EXECUTOR_OPENINGS if is_moved else topology.EXECUTOR_LISTINGS
        self.waiting[queue.name].append(topology.to_message(listing))
        self.news.set()

    async def consume(self, queue: Queue, handle: Handler, *, until: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            while not until.is_set():
                self.news.clear()
                while self.waiting[queue.name]:
                    tasks.create_task(self._handled(queue, handle, self.waiting[queue.name].pop(0)))
                with suppress(TimeoutError):
                    async with asyncio.timeout(_AGAIN_SECONDS):
                        await self.news.wait()

    async def _handled(self, queue: Queue, handle: Handler, message: Message) -> None:
        try:
            await handle(message)
        except TransientError:
            await asyncio.sleep(_AGAIN_SECONDS)
            self.waiting[queue.name].append(message)
        except asyncio.CancelledError:
            self.waiting[queue.name].append(message)
            raise

    def is_connected(self) -> bool:
        return True


class MortalDatabase(Database):
    """Kills its process before or after one of its statements, and answers the dead no more."""

    process: "Process"

    @classmethod
    def of(cls, database: Database, process: "Process") -> "MortalDatabase":
        made = cls(database.pool, database.engines)
        object.__setattr__(made, "process", process)
        return made

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        await self.process.passes()
        async with super().connection() as connection:
            yield connection
        await self.process.passes()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with super().transaction() as connection:
            yield connection
            await self.process.passes()


class Process:
    """One life of the executor."""

    def __init__(
        self,
        database: Database,
        exchange: ModelExchange,
        bus: ModelBus,
        settings: ExecutorSettings,
        *,
        wall: Callable[[], float],
    ) -> None:
        self.is_dead = False
        self.dies_after: int | None = None
        """So many passages through the database from now."""
        self._exchange, self._settings, self._wall = exchange, settings, wall
        self.runtime = Runtime(bus, MortalDatabase.of(database, self), Telemetry(), asyncio.Event())
        self.task = asyncio.get_running_loop().create_task(self._live(), name="executor")

    async def _live(self) -> None:
        venue = ExchangeSettings.model_validate({**_KEYS, "live": True})
        await serve(self.runtime, self._settings, venue, Path("/nonexistent"), open_exchange=self._open)

    async def passes(self) -> None:
        """Pass a point at which the process may end."""
        if self.dies_after is not None:
            self.dies_after -= 1
            if self.dies_after < 0:
                self.die()
        if self.is_dead:
            raise asyncio.CancelledError

    def die(self) -> None:
        if not self.is_dead:
            self.is_dead = True
            self.task.cancel()

    async def kill(self) -> None:
        self.die()
        await asyncio.wait([self.task])

    async def stop(self) -> None:
        self.runtime.stop.set()
        await asyncio.wait([self.task])

    @asynccontextmanager
    async def _open(
        self, rest_url: str, keys: Credentials | None, settings: ExecutorSettings, limiter: RateLimiter, *, live: bool
    ) -> AsyncIterator[Exchange]:
        model, loop = self._exchange, asyncio.get_running_loop()
        rest, account = cast("MexcMarketData", model), cast("MexcAccount", model)
        clock = ExchangeClock(model.server_time)
        keeping = loop.create_task(clock.keep(), name="clock")
        now = TradingClock(clock, wall=self._wall, monotonic=loop.time).now
        trading = MexcTrading(model, api_key="key", api_secret="secret")
        footprint = PaperFootprint(settings.paper_footprint_seconds)
        venues: dict[Mode, Venue] = {
            Mode.DRY_RUN: DryRun(
                dict.fromkeys(Side, rest), None, footprint=footprint, settings=settings, now=now, clock=loop.time
            ),
            Mode.LIVE: Live(
                dict.fromkeys(Side, LiveSide(trading, account)), clock, taker_fee=settings.taker_fee, now=now
            ),
        }
        exits = ForExits(rest, rest, account, trading, footprint=footprint)
        try:
            await clock.first_round.wait()
            yield Exchange(
                rest,
                clock,
                now,
                venues,
                live=live,
                account=account,
                lines=None,
                exits=exits,
                limiter=limiter,
                spare=rest,
            )
        finally:
            keeping.cancel()


def model_wall(clock: Callable[[], float], ahead: Callable[[], float]) -> Callable[[], float]:
    """Return a wall clock that is *ahead* of the time that passes."""
    return lambda: NOON.timestamp() + clock() + ahead()
