"""Look at single positions: evaluate each, keep its reference and peak, and begin the sale that is due."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

import structlog

from executor.decisions.exit_evaluator import ExitDecision, ExitEvaluator, LookTime
from executor.exits.book_reader import Quotes
from executor.exits.look_schedule import WATCHED
from executor.exits.market_access import MarketAccess
from executor.exits.open_values import OpenValues
from executor.exits.running_sales import RunningSales
from executor.halts.halt_watch import SaleHalts
from executor.journal.held_positions import held_by_others, learn, mark, write_off
from executor.market_streams.stream_quotes import Tick
from executor.model import Position, PositionState, PriceSource, WatchedPosition
from executor.pricing import FairValues, Quote, is_worth_selling
from executor.settings import ExecutorSettings
from shared.errors import TransientError
from shared.log_context import of_listing
from shared.postgres.database import Database

log = structlog.get_logger(__name__)

RENEWED_SECONDS: Final = 10.0
"""Between readings of the rules that alone keep a position from being sold."""
DUST_RENEWED_SECONDS: Final = 600.0
"""The same of dust, of which there may be much."""


@dataclass(slots=True)
class Look:
    """The progress of one look at all positions."""

    time: LookTime
    everything: Sequence[WatchedPosition]
    quotes: Quotes = field(default_factory=Quotes)
    ticks: dict[str, Tick] = field(default_factory=dict)
    """Best prices by the streams, of the positions that are judged by them."""
    watched: set[str] = field(default_factory=set)
    urgent: set[str] = field(default_factory=set)
    due: set[str] = field(default_factory=set)
    calm: set[str] = field(default_factory=set)
    """Positions of which nothing is due, nor open."""
    unbid: set[str] = field(default_factory=set)
    """Positions for which nothing was bid, or nothing that makes a sale."""
    objections: list[str] = field(default_factory=list)

    def add(self, each: WatchedPosition, decision: ExitDecision) -> None:
        """Add *decision* on *each*."""
        if each.unreadable_exits:
            self.objections.append(f"{each.name} is watched without {', '.join(each.unreadable_exits)}: unreadable")
        if decision.is_urgent:
            self.urgent.add(each.name)
        if decision.objection:
            self.objections.append(decision.objection)
        if decision.is_calm:
            self.calm.add(each.name)
        if decision.is_unbid or decision.objection:
            self.unbid.add(each.name)

    def judged(self, names: Collection[str]) -> Collection[str]:
        """Return those of *names* of which it shows whether they are due: a book without buyers shows neither."""
        return (self.watched - self.unbid).intersection(names)


class PositionLooks:
    def __init__(self, database: Database, access: MarketAccess, halts: SaleHalts, settings: ExecutorSettings) -> None:
        self.fair_values = FairValues()
        """By the latest looks."""
        self.open_values = OpenValues(settings.taker_fee)
        self._database = database
        self._access = access
        self._markets = access.markets
        self._halts = halts
        self._evaluator = ExitEvaluator(settings)
        self._confirm_seconds = settings.stop_confirm_seconds
        self._renewed_at: dict[str, float] = {}
        """When the rules were read again that alone kept a position from being sold."""

    def is_settled(self, each: WatchedPosition, top: Quote, time: LookTime, *, by_stream: bool = False) -> bool:
        """Return whether the best prices decide; not where paper orders took them, so that deeper levels count."""
        is_untouched = self._markets.quote_for(each.position.mode, each.position.symbol, top) == top
        return is_untouched and self._evaluator.is_settled(each, top, time, by_stream=by_stream)

    def judge(self, each: WatchedPosition, tick: Tick, look: Look, sales: RunningSales) -> float | None:
        """Judge one position by a push that just arrived; return in how many seconds a look has to decide, if at all.

        It is at once where the book has to show how much is bid; what one push showed is confirmed by the next mostly.
        Reference and peak are not learned by it: a flash of one push would raise them for good.
        """
        if not self.is_settled(each, tick.quote, look.time, by_stream=True):
            price = tick.quote.bids[0].price
            return 0.0 if self._evaluator.saw_stop(each, price, look.time, push=tick.number) else None
        rules = self._markets.rules.latest(each.position.listing)
        decision = self._evaluator.evaluate(each, tick.quote, rules, look.time, push=tick.number)
        if decision.reason is not None:
            self._sell(each, decision, tick.quote, look, sales)
        self._access.judged(PriceSource.STREAM)
        return self._confirm_seconds if decision.is_urgent else None

    def saw_trade(self, each: WatchedPosition, price: Decimal, number: int, time: LookTime) -> bool:
        """Count a trade in push *number* where it shows a stop of *each* due; return whether it does."""
        return self._evaluator.saw_stop(each, price, time, push=number)

    async def look_at(self, each: WatchedPosition, look: Look, sales: RunningSales) -> None:
        """Look at one position; an error concerns it alone, unless the database is away."""
        position = each.position
        try:
            tick = look.ticks.get(each.name)
            quote = look.quotes.known.get(position.symbol) if tick is None else tick.quote
            if quote is not None:
                met = self._markets.quote_for(position.mode, position.symbol, quote)
                await self._evaluate(each, met, look, sales)
                self.open_values.value(position, met)
            elif (
                position.symbol in look.quotes.unknown
                and position.state in WATCHED
                and self._evaluator.is_gone(each, look.time)
            ):
                await self._mark(position, PositionState.UNSELLABLE, "the exchange does not know the symbol")
        except TransientError:
            raise
        except Exception as error:
            log.exception("a position cannot be judged", position=each.name)
            look.objections.append(f"{each.name} cannot be judged: {type(error).__name__}")

    async def without_written_off(
        self, everything: Sequence[WatchedPosition], now: Callable[[], datetime]
    ) -> Sequence[WatchedPosition]:
        """End the positions that a person wrote off, and return the others; an error concerns one position alone."""
        rest = []
        for each in everything:
            with of_listing(each.position.listing):
                try:
                    if each.write_off is not None and await write_off(self._database, each.position, now()):
                        log.warning("a position is written off", position=each.name, reason=each.write_off)
                        continue
                except TransientError:
                    raise
                except Exception:
                    log.exception("a position was not written off", position=each.name)
            rest.append(each)
        return rest

    def forget_all_but(self, names: Collection[str]) -> None:
        """Forget positions that are not held any more."""
        self.fair_values.forget_all_but(names)
        self._evaluator.forget_all_but(names)
        self.open_values.forget_all_but(names)
        self._renewed_at = {name: at for name, at in self._renewed_at.items() if name in names}

    async def _evaluate(self, each: WatchedPosition, quote: Quote, look: Look, sales: RunningSales) -> None:
        """Evaluate *each* by *quote*, keep its new reference and peak, and begin the sale that is due."""
        rules = self._markets.rules.latest(each.position.listing)
        tick = look.ticks.get(each.name)
        decision = self._evaluator.evaluate(each, quote, rules, look.time, push=None if tick is None else tick.number)
        self._access.judged(PriceSource.REST if tick is None else PriceSource.STREAM)
        self.fair_values.record(each.position, quote.middle)
        look.watched.add(each.name)
        sales.looked_at(each.name)
        after = decision.position
        if decision.reopens:
            await self._mark(each.position, PositionState.OPEN, "")
        elif decision.has_learned(each.position):
            await learn(self._database, after, after.stop_reference, after.peak_price)
        look.add(each, decision)
        if decision.seems_dust and each.position.state is PositionState.OPEN:
            sales.begin(each.position, lambda: self._settle_dust(after))
        elif decision.reason is not None:
            look.due.add(each.name)
            self._sell(each, decision, quote, look, sales)
        elif self._claim_rules_reading(each.position, quote, look.time):
            sales.begin(each.position, lambda: self._markets.rules.read(each.position.listing))

    def _claim_rules_reading(self, position: Position, quote: Quote, time: LookTime) -> bool:
        """Return whether only rules, which may be old or garbled and are due, keep *position* from being sold.

        Their reading counts as begun then.
        """
        rules = self._markets.rules.latest(position.listing)
        fair = position.average_price if quote.middle is None else quote.middle
        if is_worth_selling(position.base_qty, fair, rules) or not is_worth_selling(position.base_qty, fair, None):
            return False
        apart = DUST_RENEWED_SECONDS if position.state is PositionState.DUST else RENEWED_SECONDS
        if time.seconds - self._renewed_at.get(position.name, float("-inf")) < apart:
            return False
        self._renewed_at[position.name] = time.seconds
        return True

    def _sell(
        self, each: WatchedPosition, decision: ExitDecision, quote: Quote, look: Look, sales: RunningSales
    ) -> None:
        """Begin the sale of *each* that is due, unless sales are halted."""
        if halted := self._halts.exits_halted():
            look.objections.append(f"sales are halted: {halted}")
            return
        source = PriceSource.REST
        if each.name in look.ticks:
            source = PriceSource.STREAM
            self._access.prices.keep(each.position.symbol, quote)
        rules, others = self._markets.rules.latest(each.position.listing), held_by_others(each, look.everything)
        sales.sell(each, decision, quote, rules=rules, others=others, source=source)

    async def _settle_dust(self, position: Position) -> None:
        """Read the last trade before a position becomes dust."""
        rules = self._markets.rules.latest(position.listing)
        if self._evaluator.is_dust_at(position, await self._markets.last_prices.read(position.symbol), rules):
            await self._mark(position, PositionState.DUST, "less than the exchange takes at a fair price")

    async def _mark(self, position: Position, state: PositionState, note: str) -> None:
        if await mark(self._database, position, state, note):
            log.warning("a position changed", position=position.name, state=state, note=note)
