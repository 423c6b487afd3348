"""The sales under way: each in a task of its own, tried again soon, and not at all while nothing could come of it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Final

import structlog

from executor.decisions.exit_decision import Judgement
from executor.decisions.exit_rules import GAINS
from executor.exits.look_interval import SINGLY_MAX
from executor.exits.retry_backoff import RetryBackoff
from executor.exits.sale_orders import Exit, SaleOrders
from executor.exits.suspensions import CanBeSold, PassesTest, Suspensions
from executor.model.order_state import OrderState
from executor.model.position import Position, PositionState
from executor.model.watched_position import CLOSED, Held
from executor.pricing.valuation import Quote
from executor.settings import ExecutorSettings
from shared.errors import TransientError
from shared.events import Mode, TradingRules
from shared.log_context import of_listing
from shared.mexc.errors import ExchangeError
from shared.mexc.time.clock_estimate import ClockUncertainError

_WAIT_SECONDS_MIN: Final = 0.05
_SOON_SECONDS: Final = 0.1
"""Between looks for a line while all of them wait for answers, or for the answer whether a symbol trades again."""
_FREED_LOOKS_MAX: Final = 5
"""Looks in a row at a position for which a line is free, while its book is not learned."""

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
        self._patience = RetryBackoff(first_seconds, attempts_alarm=settings.sale_attempts_alarm)
        self._in_hand: set[str] = set()
        self._without_line: dict[str, int] = {}
        """Those that wait for a line, the longest first, and in how many looks one was free for them."""
        self._freed: set[str] = set()
        self._next_try_seconds = float("inf")
        self._doubted_since: dict[tuple[str, int], float] = {}

    def wait_seconds(self) -> float:
        """Return how soon to look again: soon while a sale is under way, else when one that failed may be repeated."""
        if self._without_line or self._suspensions.is_asking():
            return _SOON_SECONDS
        if self._in_hand:
            return self._settings.stop_confirm_seconds
        return max(_WAIT_SECONDS_MIN, self._next_try_seconds)

    def left_seconds(self, name: str, now: float) -> float:
        """Return how long until a sale that failed is tried again, or the exchange asked again.

        Nought where it waits for a line: no look frees one, and the weight that looks take would be missing to others.
        """
        if name in self._without_line:
            return 0.0
        held_seconds = self._suspensions.left_seconds(name, now)
        return self._patience.left_seconds(name, now) if held_seconds is None else held_seconds

    def is_released(self, name: str) -> bool:
        """Return whether a position is to be sold at once: its symbol trades again, or a line is free for it."""
        return name in self._freed or self._suspensions.is_released(name)

    def is_awaited(self, name: str, now: float) -> bool:
        """Return whether nothing but a look at its book keeps a position that is to be sold at once."""
        return self.is_released(name) and self.left_seconds(name, now) <= 0

    def held_back(self) -> Collection[str]:
        """Return the positions of which the exchange takes no sale for now, by name."""
        return self._suspensions.held()

    def may_be_sold(self, each: Held, now: float) -> bool:
        """Return whether *each* can be sold from here, and no sale of it is under way."""
        if each.name in self._in_hand or each.position.mode not in self._selling.modes:
            return False
        return each.position.state is not PositionState.CLOSING or self._is_in_doubt(each, now)

    def test_again(self, each: Held) -> None:
        """Ask whether a symbol takes sales again, where the last one found no trading."""
        self._suspensions.test_again(each)

    def sell(
        self, each: Held, judgement: Judgement, quote: Quote, *, rules: TradingRules | None, others: Decimal
    ) -> None:
        """Begin to sell what is due, unless its symbol does not trade, it was tried just now, or no line is free.

        What waits for a line is not journalled meanwhile: it would lapse there, and be journalled again.
        """
        now, position = asyncio.get_running_loop().time(), judgement.position
        if judgement.reason is None or self._suspensions.hold(each, quote):
            return
        is_gain = judgement.reason in GAINS
        if not self._patience.is_over(each.name, position.base_qty, now, is_gain=is_gain):
            left_seconds = self._patience.left_seconds(each.name, now, is_gain=is_gain)
            self._next_try_seconds = min(self._next_try_seconds, left_seconds)
        elif not self._selling.has_line():
            self._without_line[each.name] = 0
        else:
            self._patience.tried(each.name, position.base_qty, now)
            beside = others if position.state is PositionState.CLOSING else None
            wanted = Exit(position, judgement.reason, judgement.price_min, rules, beside, judgement.quantity)
            self.begin(position, lambda: self._selling.sell(wanted))

    def begin(self, position: Position, work: Callable[[], Awaitable[None]]) -> None:
        """Have *work* done on *position*, which is left alone meanwhile; what fails there is tried again."""
        self._in_hand.add(position.name)
        self._tasks.create_task(self._done(position, work), name=f"exit-{position.name}")

    def objections(self, everything: Sequence[Held], now: float) -> Iterator[str]:
        """Yield what a person should know of sales that get nowhere."""
        refused = self._suspensions.refused()
        for each in everything:
            if each.name in refused:
                yield f"{each.name} is to be sold, and {_refusal(refused[each.name])}"
            if each.name in self._without_line:
                yield f"{each.name} is to be sold, and every line waits for an answer to another sale"
            if each.name not in self._in_hand and self._is_in_doubt(each, now):
                yield f"a sale of {each.name} cannot be confirmed"
        for name in self._patience.alarming():
            yield f"{self._settings.sale_attempts_alarm} sales of {name} in a row sold nothing"

    def look_begins(self) -> None:
        """Forget when the next try was due; have those that waited longest for a line, where one is free, looked at.

        They are few at a time, whose books are read one by one; one that cannot be read waits for its beat.
        """
        self._next_try_seconds = float("inf")
        waiting = self._without_line if self._selling.has_line() else ()
        self._freed = set(islice(waiting, SINGLY_MAX))
        looks = {name: count + (name in self._freed) for name, count in self._without_line.items()}
        self._without_line = {name: count for name, count in looks.items() if count <= _FREED_LOOKS_MAX}

    def looked_at(self, name: str) -> None:
        """Take note that a position is judged anew, which shows whether it still waits for a line."""
        self._without_line.pop(name, None)

    def forget_all_but(self, names: Collection[str], due: Collection[str]) -> None:
        """Forget positions that are not held any more, and the failures of those that are not *due*."""
        self._suspensions.forget_all_but(names, due)
        self._without_line = {name: count for name, count in self._without_line.items() if name in names}
        self._patience.forget_all_but(self._in_hand | set(due))
        self._doubted_since = {key: since for key, since in self._doubted_since.items() if key[0] in names}

    def _is_in_doubt(self, each: Held, now: float) -> bool:
        """Return whether a live sale of *each* has been in doubt for so long that the balance has to decide.

        Not of a coin that the account holds for other reasons: its balance proves nothing.
        """
        sale, position = each.sale_at_large, each.position
        if sale is None or position.mode is not Mode.LIVE:
            return False
        if position.state is not PositionState.CLOSING or position.listing.base_asset in self._settings.other_holdings:
            return False
        patience = self._settings.unconfirmed_sale_seconds
        if sale.state == OrderState.SENDING:  # Its sender may still be at it.
            patience += 2 * self._settings.exchange_timeout_seconds
        return now - self._doubted_since.setdefault((each.name, sale.sequence), now) >= patience

    async def _done(self, position: Position, work: Callable[[], Awaitable[None]]) -> None:
        with of_listing(position.listing):
            try:
                await work()
            except (TransientError, ExchangeError, ClockUncertainError, TimeoutError) as error:
                log.warning("a position was not seen to", position=position.name, reason=str(error))
            except Exception:
                # One position that cannot be sold must not keep the others from it.
                log.exception("a position was not seen to", position=position.name)
            finally:
                self._in_hand.discard(position.name)


def _refusal(code: str) -> str:
    if code in CLOSED:
        return "its symbol does not trade"
    return f"the exchange takes no sale of it ({code})"
