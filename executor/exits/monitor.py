"""Exit monitor: look at positions every `exit_check_seconds`, as the rate limits allow, and sell those that are due.

MEXC has no stop orders, so a position is only as safe as this loop is alive: its health is a component of its own.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial

import structlog

from executor.decisions.exit_evaluator import LookTime
from executor.exits.book_reader import BookReader, Quotes
from executor.exits.by_stream.hurry_backoff import HurryBackoff
from executor.exits.by_stream.stream_turns import StreamTurns
from executor.exits.by_stream.tick_exits import TickExits
from executor.exits.look_schedule import WATCHED, LookSchedule
from executor.exits.market_access import MarketAccess
from executor.exits.position_looks import Look, PositionLooks
from executor.exits.running_sales import RunningSales
from executor.exits.sale_orders import SaleOrders
from executor.exits.watchdog import Watchdog
from executor.halts.halt_watch import SaleHalts
from executor.journal.held_positions import read_held
from executor.model import PositionState, WatchedPosition
from executor.pricing import FairValues, Quote
from executor.settings import ExecutorSettings
from shared.errors import TransientError, pause
from shared.log_context import of_listing
from shared.mexc.errors import QUIET_LOOK_SECONDS, ExchangeError, RateLimited
from shared.postgres.database import Database

log = structlog.get_logger(__name__)


class ExitMonitor:
    def __init__(
        self,
        database: Database,
        access: MarketAccess,
        selling: SaleOrders,
        halts: SaleHalts,
        settings: ExecutorSettings,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._access = access
        self._selling = selling
        self.is_selling = selling.is_selling
        self._settings = settings
        self._now = now
        self._positions = PositionLooks(database, access, halts, settings)
        self.open_values = self._positions.open_values
        self._book_reader = BookReader(access.prices)
        by_stream = partial(self._positions.is_settled, by_stream=True)
        self._turns = StreamTurns(access.streams, by_stream, settings.stream_check_seconds)
        self._hurried: set[str] = set()
        """Positions that a push has shown due, and that the next look decides on."""
        self._doubted: set[str] = set()
        """Positions that a push has shown due, and that a look by REST is to confirm soon."""
        self._backoff = HurryBackoff(settings.exit_check_seconds)
        self._wake = asyncio.Event()
        self._urgent: set[str] = set()
        self._pressing: set[str] = set()  # Urgent, or due and not sold yet.
        self._schedule = LookSchedule(settings, access.apart)
        self._objected: frozenset[str] = frozenset()

    @property
    def fair_values(self) -> FairValues:
        """Fair values by the latest looks."""
        return self._positions.fair_values

    async def run(self, watchdog: Watchdog, until: asyncio.Event) -> None:
        """Look at every position repeatedly, until *until* is set; finish the sales that began by then."""
        try:
            async with asyncio.TaskGroup() as tasks:
                access = self._access
                can_be_sold = access.markets.can_be_sold
                sales = RunningSales(self._selling, can_be_sold, self._settings, tasks, access.passes_test)
                ticks = TickExits(self._positions, sales, self._turns.fresh, hurry=self.hurry, now=self._now)
                tasks.create_task(self._wake_at(until), name="end of looks")
                if access.streams is not None:
                    tasks.create_task(access.streams.run(until, ticks), name="price streams")
                try:
                    while not until.is_set():
                        await pause(await self._look_safely(watchdog, sales, ticks), self._wake)
                finally:
                    await self._book_reader.close()
        finally:
            watchdog.end()

    async def look(self, watchdog: Watchdog, sales: RunningSales, ticks: TickExits) -> None:
        """Look at every position once, and begin to sell those that are due; *ticks* judges them until the next."""
        self._wake.clear()
        if (banned_seconds := self._selling.banned_seconds()) > 0:
            raise RateLimited(banned_seconds, banned=True)
        sales.begin_look()
        reading = await read_held(self._database)
        everything = await self._positions.without_written_off(reading.held, self._now)
        time = LookTime(asyncio.get_running_loop().time(), self._now())
        # What is gone from the account comes back by its balance, not by its price.
        here = [each for each in everything if each.position.state is not PositionState.EXTERNAL]
        sellable = [each for each in here if sales.may_be_sold(each, time.seconds)]
        for each in sellable:
            sales.test_again(each)
        followed = [each.position for each in everything if each.position.state in WATCHED]
        self._turns.keep({each.symbol for each in followed if each.mode in self._selling.modes})
        ticks.hold(sellable)
        sales.read_ahead(each for each in followed if self._turns.fresh(each.symbol) is not None)
        look = Look(time, everything)
        look.objections += (f"{name} cannot be read: {why}" for name, why in reading.unreadable.items())
        hurried, self._hurried = self._hurried, set()
        pressing = self._pressing | hurried | self._doubted
        look.ticks = self._turns.ticks(sellable, pressing, time)
        by_rest = [
            each
            for each in sellable
            if each.name not in look.ticks
            and (each.name in hurried or sales.is_released(each.name) or self._schedule.take_turn(each, time.seconds))
        ]
        try:
            await self._look_at([each for each in sellable if each.name in look.ticks], look, sales)
            await self._look_by_rest(by_rest, pressing, look, sales)
        finally:
            # What is not decided on yet still is to be: no other push need follow.
            self._hurried |= hurried - look.watched
        look.objections += sales.objections(everything, time.seconds)
        self._remember(look, sales)
        self._backoff.looked(look.judged(hurried), look.urgent | look.due)
        self._report(look, reading.unreadable.keys(), watchdog)

    def hurry(self, name: str, seconds: float) -> None:
        """Have a look by REST in so many *seconds* decide on a position that a push has shown due.

        Later, where the looks before have contradicted their pushes.
        """
        loop = asyncio.get_running_loop()
        wait_seconds = self._backoff.hurry(name, seconds, loop.time())
        if wait_seconds is None:
            return
        self._doubted.add(name)

        def begin() -> None:
            self._doubted.discard(name)
            self._hurried.add(name)
            self._wake.set()

        loop.call_later(wait_seconds, begin)

    async def _look_by_rest(
        self, ours: Sequence[WatchedPosition], pressing: Collection[str], look: Look, sales: RunningSales
    ) -> None:
        """Look at *ours* by REST; where that does not answer in time, *pressing* ones are judged by their streams."""
        time = look.time
        pressing = {*pressing} | {each.name for each in ours if sales.is_awaited(each.name, time.seconds)}
        look.quotes = await self._read_quotes(ours, pressing, time)
        self._turns.compare(look.quotes.known, time)
        answered = look.quotes.known.keys() | look.quotes.unknown
        look.ticks |= {
            each.name: tick
            for each in ours
            if each.name in pressing
            and each.position.symbol not in answered
            and (tick := self._turns.fresh(each.position.symbol)) is not None
        }
        await self._look_at(ours, look, sales)

    async def _look_at(self, positions: Sequence[WatchedPosition], look: Look, sales: RunningSales) -> None:
        for each in positions:
            with of_listing(each.position.listing):
                await self._positions.look_at(each, look, sales)

    async def _wake_at(self, until: asyncio.Event) -> None:
        await until.wait()
        self._wake.set()

    async def _look_safely(self, watchdog: Watchdog, sales: RunningSales, ticks: TickExits) -> float:
        """Look once, whatever the result; return the time until the next look."""
        try:
            await self.look(watchdog, sales, ticks)
        except RateLimited as error:
            watchdog.failed(str(error))
            return max(self._wait_seconds_max(), min(error.quiet_seconds, QUIET_LOOK_SECONDS))
        except (TransientError, ExchangeError) as error:
            watchdog.failed(str(error))
        except Exception as error:
            # An error of one look must not end the loop.
            log.exception("positions were not looked at")
            watchdog.failed(type(error).__name__)
        turn = self._schedule.wait_seconds(asyncio.get_running_loop().time())
        return min(self._wait_seconds_max(), sales.wait_seconds(), self._book_reader.wait_seconds(), turn)

    def _wait_seconds_max(self) -> float:
        """Return the longest wait for the next look: short while one is to decide."""
        wait_seconds = self._settings.exit_check_seconds
        return min(wait_seconds, self._settings.stop_confirm_seconds) if self._urgent or self._hurried else wait_seconds

    async def _read_quotes(self, ours: Sequence[WatchedPosition], pressing: Collection[str], time: LookTime) -> Quotes:
        by_symbol: dict[str, list[WatchedPosition]] = {}
        for each in ours:
            by_symbol.setdefault(each.position.symbol, []).append(each)
        urgent = {each.position.symbol for each in ours if each.name in pressing}

        def is_settled(symbol: str, top: Quote) -> bool:
            return all(self._positions.is_settled(each, top, time) for each in by_symbol[symbol])

        return await self._book_reader.quotes(by_symbol.keys(), urgent, is_settled)

    def _remember(self, look: Look, sales: RunningSales) -> None:
        """Keep the state that the next look needs."""
        names = {each.name for each in look.everything}
        self._hurried &= {each.name for each in look.everything if each.position.state is not PositionState.EXTERNAL}
        self._backoff.forget_all_but(names)
        self._positions.forget_all_but(names)
        sales.forget_all_but(names, look.due | (names - look.watched))
        waiting = {name: sales.left_seconds(name, look.time.seconds) for name in look.due}
        by_rest = [each for each in look.everything if each.name not in look.ticks]
        self._schedule.looked(by_rest, look.watched, look.calm, waiting, look.time.seconds)
        unlearned = {each.name for each in look.everything if each.position.state in WATCHED} - look.watched
        self._urgent = look.urgent | (self._urgent & unlearned)
        self._pressing = (look.urgent | look.due | (self._pressing & unlearned)) - set(sales.held_back())

    def _report(self, look: Look, unreadable: Collection[str], watchdog: Watchdog) -> None:
        """Report which positions were watched to *watchdog*, and log new objections."""
        for each in look.everything:
            if each.position.note and each.position.state is not PositionState.DUST:
                look.objections.append(f"{each.name} is {each.position.state}: {each.position.note}")
        names = {each.name for each in look.everything if each.position.state in WATCHED}
        names |= {each.name for each in look.everything if each.position.mode not in self._selling.modes}
        names |= set(unreadable)
        watchdog.looked(look.watched & names, names - look.watched, "; ".join(dict.fromkeys(look.objections)))
        for objection in look.objections:
            if objection not in self._objected:
                log.warning("positions need attention", reason=objection)
        self._objected = frozenset(look.objections)
