"""Suspensions: sales that are held back because nothing trades, until a status or a test shows that it does.

A status that names the symbol as trading may be old, and a test of a sale may be taken where the sale is not: where
neither decides, a sale is retried after a few seconds, for the price may be falling.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from typing import Final

import structlog

from executor.exits.suspension import Suspension, first_refusal
from executor.model import WatchedPosition
from executor.pricing import Quote
from shared.errors import TransientError
from shared.events import Mode
from shared.log_context import of_listing
from shared.mexc.errors import ClockUncertainError, ExchangeError

log = structlog.get_logger(__name__)

QUESTION_SECONDS_MIN: Final = 2.5
"""Between requests for the status, which weigh much, whatever the book does."""
QUESTION_SECONDS_MAX: Final = 2.5
"""No sale waits longer for the status."""
TEST_SECONDS: Final = 0.75
"""Between tests of a sale, which weigh next to nothing."""
ANSWER_SECONDS: Final = 0.5
"""Between looks at a position while an answer is awaited, which counts as soon as it arrives."""
_SOON_SECONDS: Final = 0.05

CanBeSold = Callable[[str], Awaitable[bool]]
"""Returns whether the exchange names a symbol as open to sales now; raises ExchangeError."""
PassesTest = Callable[[WatchedPosition, Quote], Awaitable[bool | None]]
"""Returns whether a sale would find its symbol trading; None where unknown. Raises as `SaleTest.passes`."""


class Suspensions:
    def __init__(
        self,
        can_be_sold: CanBeSold,
        check_seconds: float,
        tasks: asyncio.TaskGroup,
        passes_test: PassesTest | None = None,
    ) -> None:
        """Without *passes_test*, which is for live positions, status and back-off decide."""
        self._can_be_sold = can_be_sold
        self._passes_test = passes_test
        self._check_seconds = check_seconds
        self._tasks = tasks
        self._known: dict[str, Suspension] = {}
        self._due: set[str] = set()
        self._quotes: dict[str, Quote] = {}
        """The latest of each that is due."""

    def hold(self, each: WatchedPosition, quote: Quote) -> bool:
        """Return whether no sale of *each* is to be tried now; begin the requests that are due."""
        self._quotes[each.name] = quote
        now = asyncio.get_running_loop().time()
        if (known := self._refusal_of(each, quote, now)) is None:
            return False
        self._due.add(each.name)
        if not known.released:
            self._ask_what_is_due(each, known, quote, now)
            known.released = known.is_over(now)
        return not known.released

    def test_again(self, each: WatchedPosition) -> None:
        """Test the sale of *each* where that is due and it is held back, without waiting for its book."""
        now, quote = asyncio.get_running_loop().time(), self._quotes.get(each.name)
        if quote is None or (known := self._refusal_of(each, quote, now)) is None or known.released:
            return
        self._test_where_due(each, known, quote, now)

    def held(self) -> Collection[str]:
        """Return the positions of which no sale is tried for now, by name."""
        return sorted(name for name, known in self._known.items() if not known.released)

    def refused(self) -> Mapping[str, str]:
        """Return the reason by name of the positions that are to be sold, and whose last sale found no trading."""
        return {name: known.code for name, known in self._known.items() if name in self._due}

    def is_asking(self) -> bool:
        """Return whether an answer of the exchange is awaited."""
        return any(known.asking or known.testing for known in self._known.values())

    def is_released(self, name: str) -> bool:
        """Return whether a sale that was held back may be tried now."""
        known = self._known.get(name)
        return known is not None and known.released

    def left_seconds(self, name: str, now: float) -> float | None:
        """Return the time until a look at a position that is held back could change anything; None for any other."""
        known = self._known.get(name)
        if known is None or known.released:
            return None
        if known.asking or known.testing:
            return ANSWER_SECONDS
        left = [known.ask_at - now, known.left_seconds(now)]
        if known.is_tested:
            left.append(known.test_at - now)
        return max(_SOON_SECONDS, min(left))

    def forget_all_but(self, names: Collection[str], due: Collection[str]) -> None:
        """Forget positions that are not held any more, and the quotes of those that are not *due*."""
        self._known = {name: known for name, known in self._known.items() if name in names}
        self._due &= set(due)
        self._quotes = {name: quote for name, quote in self._quotes.items() if name in due}

    def _refusal_of(self, each: WatchedPosition, quote: Quote, now: float) -> Suspension | None:
        """Return the suspension since the last sale of *each* was refused; None where that found trading."""
        sale = each.last_sale
        if sale is None or not sale.found_no_trading:
            self._known.pop(each.name, None)
            return None
        known = self._known.get(each.name)
        if known is None or known.sequence != sale.sequence:
            # Where a test shows it, the status, which weighs much and would keep looks waiting, is read later.
            ask_at = now + self._check_seconds if self._is_tested(each) else now
            known = first_refusal(sale, quote, now, ask_at) if known is None else known.refused_again(sale, now)
            self._known[each.name] = known
        return known

    def _is_tested(self, each: WatchedPosition) -> bool:
        return self._passes_test is not None and each.position.mode is Mode.LIVE

    def _ask_what_is_due(self, each: WatchedPosition, known: Suspension, quote: Quote, now: float) -> None:
        """Read the status now and then, and test often; where tests show nothing, read it when the book moves."""
        is_tested = self._test_where_due(each, known, quote, now)
        moved = quote != known.quote and now >= known.ask_at - self._check_seconds + QUESTION_SECONDS_MIN
        tells = is_tested and known.is_believed
        if not known.asking and (now >= known.ask_at or (moved and known.is_closed and not tells)):
            known.asking, known.was_asked, known.quote = True, True, quote
            self._begin(each, self._ask(each, known), f"suspension-{each.position.symbol}")

    def _test_where_due(self, each: WatchedPosition, known: Suspension, quote: Quote, now: float) -> bool:
        """Return whether sales of *each* can be tested; begin a test where one is due."""
        known.is_tested = self._is_tested(each)
        if known.is_tested and not known.testing and now >= known.test_at:
            known.testing = True
            self._begin(each, self._test(each, known, quote), f"sale-test-{each.position.symbol}")
        return known.is_tested

    def _begin(self, each: WatchedPosition, asking: Coroutine[None, None, None], name: str) -> None:
        with of_listing(each.position.listing):
            self._tasks.create_task(asking, name=name)

    async def _test(self, each: WatchedPosition, known: Suspension, quote: Quote) -> None:
        assert self._passes_test is not None
        passes = None
        try:
            passes = await self._passes_test(each, quote)
        except (ExchangeError, ClockUncertainError) as error:
            log.info("a sale was not tested", symbol=each.position.symbol, reason=str(error))
        except Exception:
            # An error with one symbol must not end the exits of the others.
            log.exception("a sale was not tested", symbol=each.position.symbol)
        else:
            known.fails = passes is False
            if passes and known.is_believed and not known.released:  # Else the sale went without it.
                known.released = known.passed = True
            known.is_believed |= known.fails
        now = asyncio.get_running_loop().time()
        if passes is None and not known.was_asked:
            known.ask_at = now
        known.test_at = now + TEST_SECONDS
        known.testing = False

    async def _ask(self, each: WatchedPosition, known: Suspension) -> None:
        """Read the status of the symbol; a sale is retried at once where the symbol trades again."""
        again_seconds, is_closed = min(self._check_seconds, QUESTION_SECONDS_MIN), None
        try:
            async with asyncio.timeout(QUESTION_SECONDS_MAX):
                is_closed = not await self._can_be_sold(each.position.symbol)
            again_seconds = self._check_seconds
        except (ExchangeError, TransientError, TimeoutError) as error:
            log.info("whether a symbol trades was not learned", symbol=each.position.symbol, reason=repr(error))
        except Exception:
            # An error with one symbol must not end the exits of the others.
            log.exception("whether a symbol trades was not learned", symbol=each.position.symbol)
        else:
            known.released = known.released or (known.was_closed and not is_closed)
            known.was_closed = known.was_closed or is_closed
        known.is_closed = is_closed
        known.ask_at = asyncio.get_running_loop().time() + again_seconds
        known.asking = False
