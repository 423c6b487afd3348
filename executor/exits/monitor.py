"""The supervisor of positions: looks at each every second or sooner, and has those sold that are due.

MEXC has no stop orders, so a position is only as safe as this is alive: it has a health of its own.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog

from executor.decisions.exit_decision import ExitDecision, ExitEvaluator, LookTime
from executor.exits.book_reader import BookReader, Quotes
from executor.exits.look_schedule import WATCHED, LookSchedule
from executor.exits.market_access import MarketAccess
from executor.exits.open_values import OpenValues
from executor.exits.running_sales import RunningSales
from executor.exits.sale_orders import SaleOrders
from executor.exits.watchdog import Watchdog
from executor.journal.position_store import held_by_others, learn, mark, read_held, write_off
from executor.model.position import Position, PositionState
from executor.model.watched_position import WatchedPosition
from executor.pricing.fair_values import FairValues
from executor.pricing.valuation import Quote
from executor.settings import ExecutorSettings
from shared.backoff import pause
from shared.errors import TransientError
from shared.mexc.errors import ExchangeError, RateLimited
from shared.postgres.database import Database

log = structlog.get_logger(__name__)


class Halts(Protocol):
    def exits_halted(self) -> str:
        """Say why nothing may be sold now; empty where it may."""


@dataclass(slots=True)
class _Look:
    """One look at everything, as it goes on."""

    at: LookTime
    everything: Sequence[WatchedPosition]
    quotes: Quotes
    watched: set[str] = field(default_factory=set)
    urgent: set[str] = field(default_factory=set)
    due: set[str] = field(default_factory=set)
    calm: set[str] = field(default_factory=set)
    """Nothing is due of these, nor is anything left open."""
    objections: list[str] = field(default_factory=list)


class ExitMonitor:
    def __init__(
        self,
        database: Database,
        access: MarketAccess,
        selling: SaleOrders,
        halts: Halts,
        settings: ExecutorSettings,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self.fair_values = FairValues()
        """As the latest looks show them."""
        self._database = database
        self._markets = access.markets
        self._passes_test = access.passes_test
        self._selling = selling
        self._halts = halts
        self._settings = settings
        self._now = now
        self._evaluator = ExitEvaluator(settings)
        self._book_reader = BookReader(access.prices)
        self._urgent: set[str] = set()
        self._pressing: set[str] = set()  # Urgent, or due and not sold yet.
        self._schedule = LookSchedule(settings, access.apart)
        self._objected: frozenset[str] = frozenset()
        self.open_values = OpenValues(settings.taker_fee)

    async def run(self, watchdog: Watchdog, until: asyncio.Event) -> None:
        """Look at every position again and again, until *until* is set; sales that began by then are finished."""
        async with asyncio.TaskGroup() as tasks:
            sales = RunningSales(self._selling, self._markets.can_be_sold, self._settings, tasks, self._passes_test)
            try:
                while not until.is_set():
                    await pause(await self._look_again(watchdog, sales), until)
            finally:
                await self._book_reader.close()
        watchdog.end()

    async def _look_again(self, watchdog: Watchdog, sales: RunningSales) -> float:
        """Look once, whatever comes of it; return how long to wait before the next look."""
        wait_seconds = self._settings.exit_check_seconds
        try:
            await self._look(watchdog, sales)
        except RateLimited as error:
            watchdog.failed(str(error))
            return max(wait_seconds, error.quiet_seconds)
        except (TransientError, ExchangeError) as error:
            watchdog.failed(str(error))
        except Exception as error:
            # Whatever is wrong with one look, there must be another.
            log.exception("positions were not looked at")
            watchdog.failed(type(error).__name__)
        soon = self._settings.stop_confirm_seconds if self._urgent else wait_seconds
        turn = self._schedule.wait_seconds(asyncio.get_running_loop().time())
        return min(wait_seconds, soon, sales.wait_seconds(), self._book_reader.wait_seconds(), turn)

    async def _look(self, watchdog: Watchdog, sales: RunningSales) -> None:
        """Look at every position once, and begin to sell those that are due."""
        if (banned_seconds := self._selling.banned_seconds()) > 0:
            raise RateLimited(banned_seconds, banned=True)
        sales.look_begins()
        reading = await read_held(self._database)
        everything = await self._without_written_off(reading.held)
        at = LookTime(asyncio.get_running_loop().time(), self._now())
        sellable = [each for each in everything if sales.may_be_sold(each, at.seconds)]
        for each in sellable:
            sales.test_again(each)
        ours = [
            each for each in sellable if sales.is_released(each.name) or self._schedule.is_its_turn(each, at.seconds)
        ]
        pressing = self._pressing | {each.name for each in ours if sales.is_awaited(each.name, at.seconds)}
        look = _Look(at, everything, await self._quotes(ours, pressing, at))
        look.objections += (f"{name} cannot be read: {why}" for name, why in reading.unreadable.items())
        for each in ours:
            await self._look_at(each, look, sales)
        look.objections += (*sales.objections(everything, at.seconds), *_notes(everything))
        self._remember(look, sales)
        names = {each.name for each in everything if each.position.state in WATCHED}
        names |= {each.name for each in everything if each.position.mode not in self._selling.modes}
        names |= reading.unreadable.keys()
        watchdog.looked(look.watched & names, names - look.watched, "; ".join(dict.fromkeys(look.objections)))

    async def _without_written_off(self, everything: Sequence[WatchedPosition]) -> Sequence[WatchedPosition]:
        """Give up what a person wrote off; return the rest. Each concerns itself alone."""
        rest = []
        for each in everything:
            try:
                if each.write_off is not None and await write_off(self._database, each.position, self._now()):
                    log.warning("a position is written off", position=each.name, reason=each.write_off)
                    continue
            except TransientError:
                raise
            except Exception:
                # A fault of one position concerns that position.
                log.exception("a position was not written off", position=each.name)
            rest.append(each)
        return rest

    async def _quotes(self, ours: Sequence[WatchedPosition], pressing: Collection[str], at: LookTime) -> Quotes:
        by_symbol: dict[str, list[WatchedPosition]] = {}
        for each in ours:
            by_symbol.setdefault(each.position.symbol, []).append(each)
        urgent = {each.position.symbol for each in ours if each.name in pressing}

        def is_settled(symbol: str, top: Quote) -> bool:
            return all(self._is_settled(each, top, at) for each in by_symbol[symbol])

        return await self._book_reader.quotes(by_symbol.keys(), urgent, is_settled)

    def _is_settled(self, each: WatchedPosition, top: Quote, at: LookTime) -> bool:
        """Return whether the best prices say enough; not where paper orders took them, so that others count."""
        is_untouched = self._markets.quote_for(each.position.mode, each.position.symbol, top) == top
        return is_untouched and self._evaluator.is_settled(each, top, at)

    async def _look_at(self, each: WatchedPosition, look: _Look, sales: RunningSales) -> None:
        """Look at one position; its faults concern it alone, unless the database is away."""
        try:
            quote = look.quotes.known.get(each.position.symbol)
            if quote is not None:
                met = self._markets.quote_for(each.position.mode, each.position.symbol, quote)
                await self._judged(each, met, look, sales)
                self.open_values.look(each.position, met)
            elif each.position.symbol in look.quotes.unknown:
                await self._missed(each, look)
        except TransientError:
            raise
        except Exception as error:
            log.exception("a position cannot be judged", position=each.name)
            look.objections.append(f"{each.name} cannot be judged: {type(error).__name__}")

    async def _judged(self, each: WatchedPosition, quote: Quote, look: _Look, sales: RunningSales) -> None:
        rules = self._markets.rules.latest(each.position.listing)
        decision = self._evaluator.evaluate(each, quote, rules, look.at)
        self.fair_values.saw(each.position, quote.middle)
        look.watched.add(each.name)
        sales.looked_at(each.name)
        await self._keep(each, decision)
        if each.unreadable_exits:
            look.objections.append(f"{each.name} is watched without {', '.join(each.unreadable_exits)}: unreadable")
        if decision.is_urgent:
            look.urgent.add(each.name)
        if decision.objection:
            look.objections.append(decision.objection)
        if decision.is_calm:
            look.calm.add(each.name)
        if decision.seems_dust and each.position.state is PositionState.OPEN:
            sales.begin(each.name, lambda: self._settle_dust(decision.position))
        elif decision.reason is not None:
            look.due.add(each.name)
            if halted := self._halts.exits_halted():
                look.objections.append(f"sales are halted: {halted}")
            else:
                sales.sell(each, decision, quote, rules=rules, others=held_by_others(each, look.everything))

    async def _missed(self, each: WatchedPosition, look: _Look) -> None:
        """The exchange does not know the symbol: for a moment, or for good."""
        if each.position.state in WATCHED and self._evaluator.is_gone(each, look.at):
            await self._mark(each.position, PositionState.UNSELLABLE, "the exchange does not know the symbol")

    async def _keep(self, each: WatchedPosition, decision: ExitDecision) -> None:
        """Keep what was learned, where anything was."""
        if decision.reopens:
            await self._mark(each.position, PositionState.OPEN, "")
        elif decision.has_learned(each.position):
            after = decision.position
            await learn(self._database, after, after.stop_reference, after.peak_price)

    async def _settle_dust(self, position: Position) -> None:
        """Ask for the last trade before a position is taken for dust."""
        rules = self._markets.rules.latest(position.listing)
        if self._evaluator.is_dust_at(position, await self._markets.last_prices.read(position.symbol), rules):
            await self._mark(position, PositionState.DUST, "less than the exchange takes at a fair price")

    async def _mark(self, position: Position, state: PositionState, note: str) -> None:
        if await mark(self._database, position, state, note):
            log.warning("a position changed", position=position.name, state=state, note=note)

    def _remember(self, look: _Look, sales: RunningSales) -> None:
        """Keep the memory that the next look needs, and log news."""
        names = {each.name for each in look.everything}
        self.fair_values.forget_all_but(names)
        self._evaluator.forget_all_but(names)
        self.open_values.forget_all_but(names)
        sales.forget_all_but(names, look.due | (names - look.watched))
        waiting = {name: sales.left_seconds(name, look.at.seconds) for name in look.due}
        self._schedule.looked(look.everything, look.watched, look.calm, waiting, look.at.seconds)
        unlearned = {each.name for each in look.everything if each.position.state in WATCHED} - look.watched
        self._urgent = look.urgent | (self._urgent & unlearned)
        self._pressing = (look.urgent | look.due | (self._pressing & unlearned)) - set(sales.held_back())
        for objection in look.objections:
            if objection not in self._objected:
                log.warning("positions need attention", reason=objection)
        self._objected = frozenset(look.objections)


def _notes(everything: Iterable[WatchedPosition]) -> Iterator[str]:
    """Yield what was noted of positions that a person should know of; dust is none of it."""
    for each in everything:
        if each.position.note and each.position.state is not PositionState.DUST:
            yield f"{each.name} is {each.position.state}: {each.position.note}"
