"""Positions whose sale was refused because nothing trades: what is asked before another, and the longest wait for it.

A status that says that the symbol trades may be old, and a test of a sale may be taken where the sale is not: where
neither decides, a sale is tried again after a few seconds, for the price may be falling.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from executor.model.watched_position import Held, Sale
from executor.pricing.valuation import Quote
from shared.errors import TransientError
from shared.events import Mode
from shared.log_context import of_listing
from shared.mexc.errors import ExchangeError
from shared.mexc.time.clock_estimate import ClockUncertainError

log = structlog.get_logger(__name__)

FIRST_WAIT_SECONDS: Final = 0.25
"""Before a sale is tried again of a symbol that is not known to be closed; it doubles."""
QUICKLY_SECONDS: Final = 30.0
QUICK_WAIT_SECONDS_MAX: Final = 1.5
"""In so many seconds after the first refusal in a row."""
SOON_SECONDS: Final = 600.0
WAIT_SECONDS_MAX: Final = 5.0
"""The same for longer."""
LONG_WAIT_SECONDS_MAX: Final = 30.0
"""From then on, and while tests of the sale find no trading, or the status says so: either may be wrong."""
QUESTION_SECONDS_MIN: Final = 2.5
"""Between questions for the status, which are dear, whatever the book does."""
QUESTION_SECONDS_MAX: Final = 2.5
"""No sale waits longer for the answer."""
TEST_SECONDS: Final = 0.75
"""Between tests of a sale, which cost next to nothing."""
ANSWER_SECONDS: Final = 0.5
"""Between looks at a position while an answer is awaited, which is heeded as soon as it is there."""
_SOON_SECONDS: Final = 0.05

CanBeSold = Callable[[str], Awaitable[bool]]
"""Returns whether the exchange says that a symbol may be sold now; raises ExchangeError."""
PassesTest = Callable[[Held, Quote], Awaitable[bool | None]]
"""Returns whether a sale would find its symbol trading; None where that is not said. Raises as `SaleTest.passes`."""


@dataclass(slots=True)
class _Suspended:
    """The known facts since a sale was refused."""

    sequence: int
    code: str
    """Why it was refused."""
    since: float
    """When the first in a row was."""
    refused_at: float
    wait_seconds: float
    quote: Quote | None
    ask_at: float
    is_closed: bool | None = None
    """By its status; None before that was told."""
    was_closed: bool = False
    released: bool = False
    asking: bool = False
    was_asked: bool = False
    """The status was, since this refusal."""
    testing: bool = False
    is_tested: bool = False
    test_at: float = 0.0
    passed: bool = False
    """Released by a test."""
    is_believed: bool = True
    """No test has passed right before a sale that found no trading; or one has failed since."""
    fails: bool = False
    """The last test found no trading."""

    def is_over(self, now: float) -> bool:
        """Return whether a sale is to be tried, whatever is not known."""
        if self.is_closed is None and self.asking:
            return False
        return self.left_seconds(now) <= 0

    def left_seconds(self, now: float) -> float:
        """Return how long until it is tried so: long where status or test say that nothing trades, but no longer."""
        is_shut = self.fails or self.is_closed
        return self.refused_at + (LONG_WAIT_SECONDS_MAX if is_shut else self.wait_seconds) - now


class Suspensions:
    def __init__(
        self,
        can_be_sold: CanBeSold,
        check_seconds: float,
        tasks: asyncio.TaskGroup,
        passes_test: PassesTest | None = None,
    ) -> None:
        """Without *passes_test*, which is for live positions, status and time decide."""
        self._can_be_sold = can_be_sold
        self._passes_test = passes_test
        self._check_seconds = check_seconds
        self._tasks = tasks
        self._known: dict[str, _Suspended] = {}
        self._due: set[str] = set()
        self._quotes: dict[str, Quote] = {}
        """The latest of each that is due."""

    def hold(self, each: Held, quote: Quote) -> bool:
        """Return whether no sale of *each* is to be tried now; from time to time the exchange gets the question."""
        self._quotes[each.name] = quote
        now = asyncio.get_running_loop().time()
        if (known := self._refusal_of(each, quote, now)) is None:
            return False
        self._due.add(each.name)
        if not known.released:
            self._ask_what_is_due(each, known, quote, now)
            known.released = known.is_over(now)
        return not known.released

    def test_again(self, each: Held) -> None:
        """Test the sale of *each* where that is due and it is held back: no look has to wait for its book first."""
        now, quote = asyncio.get_running_loop().time(), self._quotes.get(each.name)
        if quote is None or (known := self._refusal_of(each, quote, now)) is None or known.released:
            return
        self._test_where_due(each, known, quote, now)

    def held(self) -> Collection[str]:
        """Return the positions of which no sale is tried for now, by name."""
        return sorted(name for name, known in self._known.items() if not known.released)

    def refused(self) -> Mapping[str, str]:
        """Return the positions that are to be sold, and whose last sale found no trading, by name, and why."""
        return {name: known.code for name, known in self._known.items() if name in self._due}

    def is_asking(self) -> bool:
        """Return whether an answer of the exchange is awaited."""
        return any(known.asking or known.testing for known in self._known.values())

    def is_released(self, name: str) -> bool:
        """Return whether a sale that was held back may be tried now."""
        known = self._known.get(name)
        return known is not None and known.released

    def left_seconds(self, name: str, now: float) -> float | None:
        """Return how long until a look at a position that is held back could change anything; None for any other."""
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
        """Forget positions that are not held any more, and that others than those *due* were to be sold."""
        self._known = {name: known for name, known in self._known.items() if name in names}
        self._due &= set(due)
        self._quotes = {name: quote for name, quote in self._quotes.items() if name in due}

    def _refusal_of(self, each: Held, quote: Quote, now: float) -> _Suspended | None:
        """Return what is known since the last sale of *each* was refused; None where that found trading."""
        sale = each.last_sale
        if sale is None or not sale.found_no_trading:
            self._known.pop(each.name, None)
            return None
        known = self._known.get(each.name)
        if known is None or known.sequence != sale.sequence:
            # Where a test tells, the status, which weighs much and would keep looks waiting, is asked for later.
            ask_at = now + self._check_seconds if self._is_tested(each) else now
            known = self._known[each.name] = _refused(known, sale, quote, now, ask_at)
        return known

    def _is_tested(self, each: Held) -> bool:
        return self._passes_test is not None and each.position.mode is Mode.LIVE

    def _ask_what_is_due(self, each: Held, known: _Suspended, quote: Quote, now: float) -> None:
        """Ask for the status now and then, and test often; without a test that tells, ask when a book moves."""
        is_tested = self._test_where_due(each, known, quote, now)
        moved = quote != known.quote and now >= known.ask_at - self._check_seconds + QUESTION_SECONDS_MIN
        tells = is_tested and known.is_believed
        if not known.asking and (now >= known.ask_at or (moved and known.is_closed and not tells)):
            known.asking, known.was_asked, known.quote = True, True, quote
            self._begin(each, self._ask(each, known), f"suspension-{each.position.symbol}")

    def _test_where_due(self, each: Held, known: _Suspended, quote: Quote, now: float) -> bool:
        """Return whether sales of *each* can be tested; begin a test where one is due."""
        known.is_tested = self._is_tested(each)
        if known.is_tested and not known.testing and now >= known.test_at:
            known.testing = True
            self._begin(each, self._test(each, known, quote), f"sale-test-{each.position.symbol}")
        return known.is_tested

    def _begin(self, each: Held, asking: Coroutine[None, None, None], name: str) -> None:
        with of_listing(each.position.listing):
            self._tasks.create_task(asking, name=name)

    async def _test(self, each: Held, known: _Suspended, quote: Quote) -> None:
        assert self._passes_test is not None
        passes = None
        try:
            passes = await self._passes_test(each, quote)
        except (ExchangeError, ClockUncertainError) as error:
            log.info("a sale was not tested", symbol=each.position.symbol, reason=str(error))
        except Exception:
            # One symbol that cannot be asked about must not end the exits of the others.
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

    async def _ask(self, each: Held, known: _Suspended) -> None:
        """Ask whether the symbol trades; one that did not and does is tried at once."""
        again_seconds, is_closed = min(self._check_seconds, QUESTION_SECONDS_MIN), None
        try:
            async with asyncio.timeout(QUESTION_SECONDS_MAX):
                is_closed = not await self._can_be_sold(each.position.symbol)
            again_seconds = self._check_seconds
        except (ExchangeError, TransientError, TimeoutError) as error:
            log.info("whether a symbol trades was not learned", symbol=each.position.symbol, reason=repr(error))
        except Exception:
            # One symbol that cannot be asked about must not end the exits of the others.
            log.exception("whether a symbol trades was not learned", symbol=each.position.symbol)
        else:
            known.released = known.released or (known.was_closed and not is_closed)
            known.was_closed = known.was_closed or is_closed
        known.is_closed = is_closed
        known.ask_at = asyncio.get_running_loop().time() + again_seconds
        known.asking = False


def _refused(before: _Suspended | None, sale: Sale, quote: Quote, now: float, ask_at: float) -> _Suspended:
    """One refusal more; where the symbol never was closed by its status, the next try comes later."""
    if before is None:
        return _Suspended(sale.sequence, sale.code, now, now, FIRST_WAIT_SECONDS, quote, ask_at)
    waits = list(_waits_after(before, now))
    misled = before.is_believed and before.passed
    return _Suspended(
        sale.sequence,
        sale.code,
        before.since,
        now,
        min(waits),
        before.quote,
        min(before.ask_at, now) if misled else before.ask_at,
        is_closed=before.is_closed,
        test_at=before.test_at,
        is_believed=before.is_believed and not misled,
        fails=before.fails,
    )


def _waits_after(before: _Suspended, now: float) -> Iterator[float]:
    """Yield what bounds the wait after one refusal more."""
    yield FIRST_WAIT_SECONDS if before.was_closed else before.wait_seconds * 2
    yield LONG_WAIT_SECONDS_MAX
    if now - before.since < SOON_SECONDS:
        yield WAIT_SECONDS_MAX
    if now - before.since < QUICKLY_SECONDS:
        yield QUICK_WAIT_SECONDS_MAX
