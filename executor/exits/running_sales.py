"""Running sales: each in a task of its own, retried after a short back-off, and held back while nothing trades."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Final

import structlog

from executor.decisions.exit_evaluator import ExitDecision
from executor.decisions.exit_triggers import GAINS
from executor.exits.look_interval import SINGLE_BOOKS_MAX
from executor.exits.retry_backoff import RetryBackoff
from executor.exits.sale_orders import SaleIntent, SaleOrders
from executor.exits.suspensions import CanBeSold, PassesTest, Suspensions
from executor.model import CLOSED, OrderState, Position, PositionState, PriceSource, WatchedPosition
from executor.pricing import Quote
from executor.settings import ExecutorSettings
from shared.errors import TransientError
from shared.events import Mode, TradingRules
from shared.log_context import of_listing
from shared.mexc.errors import ClockUncertainError, ExchangeError

_WAIT_SECONDS_MIN: Final = 0.05
_SOON_SECONDS: Final = 0.1
"""Between looks for a free connection, or for the answer whether a symbol trades again."""
_FREED_LOOKS_MAX: Final = 5
"""Looks in a row at a position for which a connection is free, while its book cannot be read."""

log = structlog.get_logger(__name__)


class RunningSales:
    def __init__(
        self,
        selling: SaleOrders,
        can_be_sold: CanBeSold,
        settings: ExecutorSettings,
        tasks: asyncio.TaskGroup,
        passes_test: PassesTest | None = None,
    ) -> None:
        self._selling = selling
        self._settings = settings
        self._tasks = tasks
        self._suspensions = Suspensions(can_be_sold, settings.suspended_check_seconds, tasks, passes_test)
        first_seconds = min(settings.exit_retry_seconds, settings.exit_check_seconds)
        self._backoff = RetryBackoff(first_seconds, attempts_alarm=settings.sale_attempts_alarm)
        self._running: set[str] = set()
        self._waiting_for_connection: dict[str, int] = {}
        """Positions that wait for a connection, the longest first, with the number of looks in which one was free."""
        self._connection_freed: set[str] = set()
        self._next_try_seconds = float("inf")
        self._doubted_since: dict[tuple[str, int], float] = {}

    def wait_seconds(self) -> float:
        """Return the time until the next look: short while a sale is under way, else the back-off of a failed one."""
        if self._waiting_for_connection or self._suspensions.is_asking():
            return _SOON_SECONDS
        if self._running:
            return self._settings.stop_confirm_seconds
        return max(_WAIT_SECONDS_MIN, self._next_try_seconds)

    def left_seconds(self, name: str, now: float) -> float:
        """Return the time until a sale that failed is retried, or the exchange asked again.

        Zero where it waits for a connection: no look frees one, and others need the weight that looks take.
        """
        if name in self._waiting_for_connection:
            return 0.0
        held_seconds = self._suspensions.left_seconds(name, now)
        return self._backoff.left_seconds(name, now) if held_seconds is None else held_seconds

    def is_released(self, name: str) -> bool:
        """Return whether a position is to be sold at once: its symbol trades again, or a connection is free for it."""
        return name in self._connection_freed or self._suspensions.is_released(name)

    def is_awaited(self, name: str, now: float) -> bool:
        """Return whether a position that is to be sold at once only needs a look at its book."""
        return self.is_released(name) and self.left_seconds(name, now) <= 0

    def held_back(self) -> Collection[str]:
        """Return the names of positions of which the exchange takes no sale for now."""
        return self._suspensions.held()

    def may_be_sold(self, each: WatchedPosition, now: float) -> bool:
        """Return whether *each* can be sold from here, and no sale of it is under way."""
        if each.name in self._running or each.position.mode not in self._selling.modes:
            return False
        return each.position.state is not PositionState.CLOSING or self._is_in_doubt(each, now)

    def test_again(self, each: WatchedPosition) -> None:
        """Test whether a symbol takes sales again, where the last one found no trading."""
        self._suspensions.test_again(each)

    def sell(
        self,
        each: WatchedPosition,
        decision: ExitDecision,
        quote: Quote,
        *,
        rules: TradingRules | None,
        others: Decimal,
        source: PriceSource = PriceSource.REST,
    ) -> None:
        """Begin the sale that is due, unless its symbol does not trade, it backs off, or no connection is free.

        A sale that waits for a connection is not journalled meanwhile: it would lapse there, and be journalled again.
        """
        now, position = asyncio.get_running_loop().time(), decision.position
        if decision.reason is None or each.name in self._running or self._suspensions.hold(each, quote):
            return
        is_gain = decision.reason in GAINS
        if not self._backoff.is_over(each.name, position.base_qty, now, is_gain=is_gain):
            left_seconds = self._backoff.left_seconds(each.name, now, is_gain=is_gain)
            self._next_try_seconds = min(self._next_try_seconds, left_seconds)
        elif not self._selling.has_free_connection():
            self._waiting_for_connection[each.name] = 0
        else:
            self._backoff.tried(each.name, position.base_qty, now)
            beside = others if position.state is PositionState.CLOSING else None
            wanted = SaleIntent(position, decision.reason, decision.price_min, rules, beside, decision.quantity, source)
            self.begin(position, lambda: self._selling.sell(wanted))

    def begin(self, position: Position, work: Callable[[], Awaitable[object]]) -> None:
        """Run *work* on *position*, which is left alone meanwhile; a failure is retried by a later look."""
        self._running.add(position.name)
        self._tasks.create_task(self._done(position, work), name=f"exit-{position.name}")

    def read_ahead(self, positions: Iterable[Position]) -> None:
        """Have the balances read that would spare the sales of *positions* a request, beside the looks."""
        if (reading := self._selling.balances_wanted(positions)) is not None:
            self._tasks.create_task(reading, name="balances ahead")

    def objections(self, everything: Sequence[WatchedPosition], now: float) -> Iterator[str]:
        """Yield the objections about sales that make no progress, for people."""
        refused = self._suspensions.refused()
        for each in everything:
            if each.name in refused:
                code = refused[each.name]
                why = "its symbol does not trade" if code in CLOSED else f"the exchange takes no sale of it ({code})"
                yield f"{each.name} is to be sold, and {why}"
            if each.name in self._waiting_for_connection:
                yield f"{each.name} is to be sold, and every line waits for an answer to another sale"
            if each.name not in self._running and self._is_in_doubt(each, now):
                yield f"a sale of {each.name} cannot be confirmed"
        for name in self._backoff.alarming():
            yield f"{self._settings.sale_attempts_alarm} sales of {name} in a row sold nothing"

    def begin_look(self) -> None:
        """Reset the time of the next retry; choose the positions that waited longest where a connection is free.

        They are few at a time, and their books are read one by one; one that cannot be read waits for its turn.
        """
        self._next_try_seconds = float("inf")
        waiting = self._waiting_for_connection if self._selling.has_free_connection() else ()
        self._connection_freed = set(islice(waiting, SINGLE_BOOKS_MAX))
        looks = {name: count + (name in self._connection_freed) for name, count in self._waiting_for_connection.items()}
        self._waiting_for_connection = {name: count for name, count in looks.items() if count <= _FREED_LOOKS_MAX}

    def looked_at(self, name: str) -> None:
        """Record that a position was evaluated anew, which shows whether it still waits for a connection."""
        self._waiting_for_connection.pop(name, None)

    def forget_all_but(self, names: Collection[str], due: Collection[str]) -> None:
        """Forget positions that are not held any more, and the failures of those that are not *due*."""
        self._suspensions.forget_all_but(names, due)
        self._waiting_for_connection = {
            name: count for name, count in self._waiting_for_connection.items() if name in names
        }
        self._backoff.forget_all_but(self._running | set(due))
        self._doubted_since = {key: since for key, since in self._doubted_since.items() if key[0] in names}

    def _is_in_doubt(self, each: WatchedPosition, now: float) -> bool:
        """Return whether a live sale of *each* has been in doubt for so long that the balance has to decide.

        Not for a coin that the account holds for other reasons: its balance proves nothing.
        """
        sale, position = each.sale_at_large, each.position
        if sale is None or position.mode is not Mode.LIVE:
            return False
        if position.state is not PositionState.CLOSING or position.listing.base_asset in self._settings.other_holdings:
            return False
        max_seconds = self._settings.unconfirmed_sale_seconds
        if sale.state == OrderState.SENDING:  # Its sender may still be running.
            max_seconds += 2 * self._settings.exchange_timeout_seconds
        return now - self._doubted_since.setdefault((each.name, sale.sequence), now) >= max_seconds

    async def _done(self, position: Position, work: Callable[[], Awaitable[object]]) -> None:
        with of_listing(position.listing):
            try:
                await work()
            except (TransientError, ExchangeError, ClockUncertainError, TimeoutError) as error:
                log.warning("a position was not seen to", position=position.name, reason=str(error))
            except Exception:
                # An error of one position must not end the others.
                log.exception("a position was not seen to", position=position.name)
            finally:
                self._running.discard(position.name)
