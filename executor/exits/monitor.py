"""The supervisor of positions: looks at each every second or sooner, and has those sold that are due.

MEXC has no stop orders, so a position is only as safe as this is alive: it has a health of its own.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from executor.decisions.exit_decision import At, Judge, Judgement
from executor.exits.book_reader import BookReader, Quotes
from executor.exits.look_schedule import WATCHED, LookSchedule
from executor.exits.market_access import MarketAccess
from executor.exits.open_values import OpenValues
from executor.exits.running_sales import RunningSales
from executor.exits.sale_orders import SaleOrders
from executor.exits.watchdog import Watchdog
from executor.halts.port import SaleHalts
from executor.journal.position_store import held_by_others, learn, mark, read_held, write_off
from executor.model.position import Position, PositionState
from executor.model.watched_position import Held
from executor.pricing.fair_values import FairValues
from executor.pricing.valuation import Quote
from executor.settings import ExecutorSettings
from shared.backoff import pause
from shared.errors import TransientError
from shared.log_context import of_listing
from shared.mexc.errors import ExchangeError, RateLimited
from shared.postgres.database import Database

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Look:
    """One look at everything, as it goes on."""

    at: At
    everything: Sequence[Held]
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
        sight: MarketAccess,
        selling: SaleOrders,
        halts: SaleHalts,
        settings: ExecutorSettings,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self.fair_values = FairValues()
        """As the latest looks show them."""
        self._database = database
        self._markets = sight.markets
        self._passes_test = sight.passes_test
        self._selling = selling
        self._halts = halts
        self._settings = settings
        self._now = now
        self._judge = Judge(settings)
        self._quoting = BookReader(sight.prices)
        self._urgent: set[str] = set()
        self._pressing: set[str] = set()  # Urgent, or due and not sold yet.
        self._pace = LookSchedule(settings, sight.apart)
        self._objected: frozenset[str] = frozenset()
        self.worths = OpenValues(settings.taker_fee)

    async def run(self, vigil: Watchdog, until: asyncio.Event) -> None:
        """Look at every position again and again, until *until* is set; sales that began by then are finished."""
        async with asyncio.TaskGroup() as tasks:
            sales = RunningSales(self._selling, self._markets.can_be_sold, self._settings, tasks, self._passes_test)
            try:
                while not until.is_set():
                    await pause(await self._look_again(vigil, sales), until)
            finally:
                await self._quoting.close()
        vigil.end()

    async def _look_again(self, vigil: Watchdog, sales: RunningSales) -> float:
        """Look once, whatever comes of it; return how long to wait before the next look."""
        wait_seconds = self._settings.exit_check_seconds
        try:
            await self._look(vigil, sales)
        except RateLimited as error:
            vigil.failed(str(error))
            return max(wait_seconds, error.quiet_seconds)
        except (TransientError, ExchangeError) as error:
            vigil.failed(str(error))
        except Exception as error:
            # Whatever is wrong with one look, there must be another.
            log.exception("positions were not looked at")
            vigil.failed(type(error).__name__)
        soon = self._settings.stop_confirm_seconds if self._urgent else wait_seconds
        turn = self._pace.wait_seconds(asyncio.get_running_loop().time())
        return min(wait_seconds, soon, sales.wait_seconds(), self._quoting.wait_seconds(), turn)

    async def _look(self, vigil: Watchdog, sales: RunningSales) -> None:
        """Look at every position once, and begin to sell those that are due."""
        if (banned_seconds := self._selling.banned_seconds()) > 0:
            raise RateLimited(banned_seconds, banned=True)
        sales.look_begins()
        reading = await read_held(self._database)
        everything = await self._without_written_off(reading.held)
        at = At(asyncio.get_running_loop().time(), self._now())
        sellable = [each for each in everything if sales.may_be_sold(each, at.seconds)]
        for each in sellable:
            sales.test_again(each)
        ours = [each for each in sellable if sales.is_released(each.name) or self._pace.is_its_turn(each, at.seconds)]
        pressing = self._pressing | {each.name for each in ours if sales.is_awaited(each.name, at.seconds)}
        look = _Look(at, everything, await self._quotes(ours, pressing, at))
        look.objections += (f"{name} cannot be read: {why}" for name, why in reading.unreadable.items())
        for each in ours:
            with of_listing(each.position.listing):
                await self._look_at(each, look, sales)
        look.objections += (*sales.objections(everything, at.seconds), *_notes(everything))
        self._remember(look, sales)
        names = {each.name for each in everything if each.position.state in WATCHED}
        names |= {each.name for each in everything if each.position.mode not in self._selling.modes}
        names |= reading.unreadable.keys()
        vigil.looked(look.watched & names, names - look.watched, "; ".join(dict.fromkeys(look.objections)))

    async def _without_written_off(self, everything: Sequence[Held]) -> Sequence[Held]:
        """Give up what a person wrote off; return the rest. Each concerns itself alone."""
        rest = []
        for each in everything:
            with of_listing(each.position.listing):
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

    async def _quotes(self, ours: Sequence[Held], pressing: Collection[str], at: At) -> Quotes:
        by_symbol: dict[str, list[Held]] = {}
        for each in ours:
            by_symbol.setdefault(each.position.symbol, []).append(each)
        urgent = {each.position.symbol for each in ours if each.name in pressing}

        def is_settled(symbol: str, top: Quote) -> bool:
            return all(self._is_settled(each, top, at) for each in by_symbol[symbol])

        return await self._quoting.quotes(by_symbol.keys(), urgent, is_settled)

    def _is_settled(self, each: Held, top: Quote, at: At) -> bool:
        """Return whether the best prices say enough; not where paper orders took them, so that others count."""
        is_untouched = self._markets.quote_for(each.position.mode, each.position.symbol, top) == top
        return is_untouched and self._judge.is_settled(each, top, at)

    async def _look_at(self, each: Held, look: _Look, sales: RunningSales) -> None:
        """Look at one position; its faults concern it alone, unless the database is away."""
        try:
            quote = look.quotes.known.get(each.position.symbol)
            if quote is not None:
                met = self._markets.quote_for(each.position.mode, each.position.symbol, quote)
                await self._judged(each, met, look, sales)
                self.worths.look(each.position, met)
            elif each.position.symbol in look.quotes.unknown:
                await self._missed(each, look)
        except TransientError:
            raise
        except Exception as error:
            log.exception("a position cannot be judged", position=each.name)
            look.objections.append(f"{each.name} cannot be judged: {type(error).__name__}")

    async def _judged(self, each: Held, quote: Quote, look: _Look, sales: RunningSales) -> None:
        rules = self._markets.rules_at_hand(each.position.listing)
        judgement = self._judge.judge(each, quote, rules, look.at)
        self.fair_values.saw(each.position, quote.middle)
        look.watched.add(each.name)
        sales.looked_at(each.name)
        await self._keep(each, judgement)
        if each.unreadable_exits:
            look.objections.append(f"{each.name} is watched without {', '.join(each.unreadable_exits)}: unreadable")
        if judgement.is_urgent:
            look.urgent.add(each.name)
        if judgement.objection:
            look.objections.append(judgement.objection)
        if judgement.is_calm:
            look.calm.add(each.name)
        if judgement.seems_dust and each.position.state is PositionState.OPEN:
            sales.begin(each.position, lambda: self._settle_dust(judgement.position))
        elif judgement.reason is not None:
            look.due.add(each.name)
            if halted := self._halts.exits_halted():
                look.objections.append(f"sales are halted: {halted}")
            else:
                sales.sell(each, judgement, quote, rules=rules, others=held_by_others(each, look.everything))

    async def _missed(self, each: Held, look: _Look) -> None:
        """The exchange does not know the symbol: for a moment, or for good."""
        if each.position.state in WATCHED and self._judge.is_gone(each, look.at):
            await self._mark(each.position, PositionState.UNSELLABLE, "the exchange does not know the symbol")

    async def _keep(self, each: Held, judgement: Judgement) -> None:
        """Keep what was learned, where anything was."""
        if judgement.reopens:
            await self._mark(each.position, PositionState.OPEN, "")
        elif judgement.has_learned(each.position):
            after = judgement.position
            await learn(self._database, after, after.stop_reference, after.peak_price)

    async def _settle_dust(self, position: Position) -> None:
        """Ask for the last trade before a position is taken for dust."""
        rules = self._markets.rules_at_hand(position.listing)
        if self._judge.is_dust_at(position, await self._markets.last_price(position.symbol), rules):
            await self._mark(position, PositionState.DUST, "less than the exchange takes at a fair price")

    async def _mark(self, position: Position, state: PositionState, note: str) -> None:
        if await mark(self._database, position, state, note):
            log.warning("a position changed", position=position.name, state=state, note=note)

    def _remember(self, look: _Look, sales: RunningSales) -> None:
        """Keep the memory that the next look needs, and log news."""
        names = {each.name for each in look.everything}
        self.fair_values.forget_all_but(names)
        self._judge.forget_all_but(names)
        self.worths.forget_all_but(names)
        sales.forget_all_but(names, look.due | (names - look.watched))
        waiting = {name: sales.left_seconds(name, look.at.seconds) for name in look.due}
        self._pace.looked(look.everything, look.watched, look.calm, waiting, look.at.seconds)
        unlearned = {each.name for each in look.everything if each.position.state in WATCHED} - look.watched
        self._urgent = look.urgent | (self._urgent & unlearned)
        self._pressing = (look.urgent | look.due | (self._pressing & unlearned)) - set(sales.held_back())
        for objection in look.objections:
            if objection not in self._objected:
                log.warning("positions need attention", reason=objection)
        self._objected = frozenset(look.objections)


def _notes(everything: Iterable[Held]) -> Iterator[str]:
    """Yield what was noted of positions that a person should know of; dust is none of it."""
    for each in everything:
        if each.position.note and each.position.state is not PositionState.DUST:
            yield f"{each.name} is {each.position.state}: {each.position.note}"
