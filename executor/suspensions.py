"""Positions whose symbol does not trade: one sale found that out, and no other is sent until it trades again."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass
from typing import Final

import structlog

from executor.held import Held
from executor.valuation import Quote
from shared.errors import TransientError
from shared.events import Mode
from shared.mexc.clock import ClockUncertainError
from shared.mexc.errors import ExchangeError

log = structlog.get_logger(__name__)

FIRST_WAIT_SECONDS: Final = 0.25
WAIT_SECONDS_MAX: Final = 600.0
"""Between sales of a symbol that the exchange calls tradable while it refuses them all."""
QUESTION_SECONDS_MIN: Final = 2.5
"""Between questions for the status, which are dear, whatever the book does."""
TEST_SECONDS: Final = 0.75
"""Between tests of a sale, which cost next to nothing."""

CanBeSold = Callable[[str], Awaitable[bool]]
"""Returns whether the exchange says that a symbol may be sold now; raises ExchangeError."""
PassesTest = Callable[[Held, Quote], Awaitable[bool | None]]
"""Returns whether a sale would find its symbol trading; None where that is not said. Raises as `SaleTest.passes`."""


@dataclass(slots=True)
class _Suspended:
    """The known facts since a sale was refused."""

    sequence: int
    refused_at: float
    wait_seconds: float
    quote: Quote | None
    ask_at: float
    was_closed: bool = False
    released: bool = False
    asking: bool = False
    test_at: float = 0.0
    passed: bool = False
    """Released by a test."""
    is_testable: bool = True
    """No test has passed before a sale that found no trading."""


class Suspensions:
    def __init__(
        self,
        can_be_sold: CanBeSold,
        check_seconds: float,
        tasks: asyncio.TaskGroup,
        passes_test: PassesTest | None = None,
    ) -> None:
        """Without *passes_test*, which is for live positions, and where tests deceive, the status alone decides."""
        self._can_be_sold = can_be_sold
        self._passes_test = passes_test
        self._check_seconds = check_seconds
        self._tasks = tasks
        self._known: dict[str, _Suspended] = {}

    def hold(self, each: Held, quote: Quote) -> bool:
        """Return whether no sale of *each* is to be tried now; from time to time the exchange gets the question."""
        sale = each.last_sale
        if sale is None or not sale.found_no_trading:
            self._known.pop(each.name, None)
            return False
        now = asyncio.get_running_loop().time()
        known = self._known.get(each.name)
        if known is None or known.sequence != sale.sequence:
            known = self._known[each.name] = _refused(known, sale.sequence, quote, now)
        if known.released:
            return False
        if not known.asking and (question := self._question(each, known, quote, now)) is not None:
            known.asking = True
            self._tasks.create_task(question, name=f"suspension-{each.position.symbol}")
        return True

    def _question(self, each: Held, known: _Suspended, quote: Quote, now: float) -> Coroutine[None, None, None] | None:
        """Return what to ask: the status now and then, and a test often; without one, the status when a book moves."""
        is_tested = self._passes_test is not None and each.position.mode is Mode.LIVE and known.is_testable
        moved = quote != known.quote and now >= known.ask_at - self._check_seconds + QUESTION_SECONDS_MIN
        if now >= known.ask_at or (moved and not is_tested):
            known.quote = quote
            return self._ask(each, known)
        return self._test(each, known, quote) if is_tested and known.was_closed and now >= known.test_at else None

    def held(self) -> Collection[str]:
        """Return the positions that wait for their symbol to trade, by name."""
        return sorted(name for name, known in self._known.items() if known.was_closed and not known.released)

    def is_asking(self) -> bool:
        """Return whether an answer of the exchange is awaited."""
        return any(known.asking for known in self._known.values())

    def is_released(self, name: str) -> bool:
        """Return whether a sale that was held back may be tried now."""
        known = self._known.get(name)
        return known is not None and known.released

    def forget_all_but(self, names: Collection[str]) -> None:
        """Forget positions that are not held any more."""
        self._known = {name: known for name, known in self._known.items() if name in names}

    async def _test(self, each: Held, known: _Suspended, quote: Quote) -> None:
        assert self._passes_test is not None
        try:
            known.released = known.passed = bool(await self._passes_test(each, quote))
        except (ExchangeError, ClockUncertainError) as error:
            log.info("a sale was not tested", symbol=each.position.symbol, reason=str(error))
        except Exception:
            # One symbol that cannot be asked about must not end the exits of the others.
            log.exception("a sale was not tested", symbol=each.position.symbol)
        known.test_at = asyncio.get_running_loop().time() + TEST_SECONDS
        known.asking = False

    async def _ask(self, each: Held, known: _Suspended) -> None:
        """Ask whether the symbol trades; one that always did by its status is tried again, more and more slowly."""
        clock, trades = asyncio.get_running_loop().time, False
        try:
            trades = await self._can_be_sold(each.position.symbol)
            known.was_closed = known.was_closed or not trades
        except (ExchangeError, TransientError) as error:
            log.info("whether a symbol trades was not learned", symbol=each.position.symbol, reason=str(error))
        except Exception:
            # One symbol that cannot be asked about must not end the exits of the others.
            log.exception("whether a symbol trades was not learned", symbol=each.position.symbol)
        waited = clock() - known.refused_at
        known.released = trades and (known.was_closed or waited >= known.wait_seconds)
        known.ask_at = clock() + (self._check_seconds if known.was_closed else max(0.0, known.wait_seconds - waited))
        known.asking = False


def _refused(before: _Suspended | None, sequence: int, quote: Quote, now: float) -> _Suspended:
    """One refusal more; where the symbol never was closed by its status, the next try comes later."""
    again = before is not None and not before.was_closed
    wait_seconds = min(WAIT_SECONDS_MAX, before.wait_seconds * 2) if before and again else FIRST_WAIT_SECONDS
    is_testable = before is None or (before.is_testable and not before.passed)
    return _Suspended(sequence, now, wait_seconds, quote, ask_at=now, is_testable=is_testable)
