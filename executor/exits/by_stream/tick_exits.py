"""Exits by pushes: a quote or a trade that crosses a trigger is judged as it arrives, not at the next look."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

import structlog

from executor.decisions.exit_evaluator import LookTime
from executor.decisions.exit_triggers import shows_stop
from executor.exits.position_looks import Look, PositionLooks
from executor.exits.running_sales import RunningSales
from executor.market_streams.stream_quotes import Tick
from executor.model import PositionState, WatchedPosition
from shared.log_context import of_listing

log = structlog.get_logger(__name__)


class TickExits:
    """A `TickListener` over the positions as the last look read them.

    The statement that commits a sale compares them once more: what has changed since sells nothing twice.
    """

    def __init__(
        self,
        positions: PositionLooks,
        sales: RunningSales,
        fresh: Callable[[str], Tick | None],
        *,
        hurry: Callable[[str, float], None],
        now: Callable[[], datetime],
    ) -> None:
        """*fresh* returns the best prices of a symbol; *hurry* has a position looked at in so many seconds."""
        self._positions = positions
        self._sales = sales
        self._fresh = fresh
        self._hurry = hurry
        self._now = now
        self._everything: Sequence[WatchedPosition] = ()
        self._open: dict[str, list[WatchedPosition]] = {}

    def hold(self, everything: Sequence[WatchedPosition]) -> None:
        """Judge these positions from now on, as far as they are open."""
        self._everything = everything
        self._open = {}
        for each in everything:
            if each.position.state is PositionState.OPEN:
                self._open.setdefault(each.position.symbol, []).append(each)

    def quoted(self, symbol: str, tick: Tick) -> None:
        """Judge the positions of *symbol* by its new best prices."""
        for each in self._open.get(symbol, ()):
            self._judge(each, tick)

    def traded(self, symbol: str, price: Decimal, number: int) -> None:
        """Judge them by a trade: it confirms a stop that the best prices show, and sells nothing by itself."""
        tick = self._fresh(symbol)
        for each in self._open.get(symbol, ()):
            time = self._time()
            try:
                is_due = self._positions.saw_trade(each, price, number, time)
            except Exception:
                with of_listing(each.position.listing):
                    log.exception("a position cannot be judged by a trade", position=each.name)
                continue
            # Best prices that do not show it may follow in the next push; until then they contradict nothing.
            if is_due and tick is not None and shows_stop(each, tick.quote.bids[0].price, time.now):
                self._judge(each, tick)

    def _judge(self, each: WatchedPosition, tick: Tick) -> None:
        """Judge one position; an error concerns it alone."""
        look = Look(self._time(), self._everything, ticks={each.name: tick})
        try:
            if not self._sales.may_be_sold(each, look.time.seconds):
                return
            if (seconds := self._positions.judge(each, tick, look, self._sales)) is not None:
                self._hurry(each.name, seconds)
        except Exception:
            with of_listing(each.position.listing):
                log.exception("a position cannot be judged by a push", position=each.name)

    def _time(self) -> LookTime:
        return LookTime(asyncio.get_running_loop().time(), self._now())
