"""Keeps the exchange's time: asks for it again and again, and answers what it is now."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Final, Never

import structlog

from shared.backoff import jittered, pause
from shared.mexc.errors import ExchangeError, RateLimited
from shared.mexc.time.clock_estimate import (
    ClockEstimate,
    ClockSample,
    ClockUncertainError,
    TrustLimits,
    estimate_of,
    preferred,
)

log = structlog.get_logger(__name__)

SAMPLES: Final = 5
SUSPECTED_SECONDS: Final = 5.0
"""From one suspicion that has the time asked for to the next."""

AskTime = Callable[[], Awaitable[int]]
"""Returns the exchange's time in milliseconds; raises ExchangeError."""

Turn = Callable[[], AbstractAsyncContextManager[None]]
"""Entered when a question may be sent, and left with its answer, or with what it raised."""


@dataclass(frozen=True, slots=True)
class ClockOptions:
    every_seconds: float = 30.0
    retry_first_seconds: float = 1.0
    trust: TrustLimits = field(default_factory=TrustLimits)
    turn: Turn = nullcontext
    """Waiting there is no part of the way that is measured."""


DEFAULT_OPTIONS: Final = ClockOptions()


class ExchangeClock:
    """The exchange's time. It runs on a clock of ours that never steps, so ours may be set without moving it."""

    def __init__(
        self, ask: AskTime, options: ClockOptions = DEFAULT_OPTIONS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._options = options
        self._now = now
        self._estimate: ClockEstimate | None = None
        self.known: ClockEstimate | None = None
        """The best there ever was, doubted or not; not good enough to sign by."""
        self._doubted = asyncio.Event()
        self._suspected_at = float("-inf")
        self.first_round = asyncio.Event()
        """Set once that is over, however it ended."""

    def now_ms(self) -> int:
        """The exchange's time, in milliseconds since the epoch; raises ClockUncertainError where it is not known."""
        now = self._now()
        if objection := self._options.trust.objection(self._estimate, now):
            raise ClockUncertainError(objection)
        assert self._estimate is not None
        return self._estimate.now_ms(now)

    def is_trustworthy(self) -> bool:
        """Tell whether it may be signed by. May be asked from another thread."""
        return not self._options.trust.objection(self._estimate, self._now())

    def doubt(self) -> None:
        """Forget the time and ask for it at once: the exchange refused a timestamp made from it."""
        self._estimate = None
        self._doubted.set()

    def suspect(self) -> None:
        """Ask for the time soon, and go by the known one meanwhile: the exchange refused the timestamp of a question.

        That may only have been slow, and must not keep orders from being signed. Where the time is wrong, the answers
        correct it before an order has to find out.
        """
        now = self._now()
        if now - self._suspected_at >= SUSPECTED_SECONDS:
            self._suspected_at = now
            self._doubted.set()

    def uncertainty_seconds(self) -> float:
        """How far it may be off; infinite while it is not known at all. May be asked from another thread."""
        estimate = self._estimate
        return float("inf") if estimate is None else estimate.uncertainty_ms / 1000

    def ahead_seconds(self) -> float:
        """How far the exchange is ahead of this machine's wall clock, as far as is known; not a number before that."""
        estimate = self._estimate
        return float("nan") if estimate is None else estimate.now_ms(self._now()) / 1000 - time.time()

    async def keep(self) -> Never:
        """Ask for the time every now and then, until cancelled; more often while it is not known."""
        failures = 0
        while True:
            self._doubted.clear()
            error = await self._round()
            self.first_round.set()
            if isinstance(error, RateLimited):  # Doubt is no reason to ask sooner than the exchange allows.
                await asyncio.sleep(max(error.quiet_seconds, self._options.retry_first_seconds))
                continue  # Without the time nothing is signed, sales least of all.
            failures = 0 if self.is_trustworthy() and error is None else failures + 1
            await pause(self._wait_seconds(failures), self._doubted)

    async def _round(self) -> ExchangeError | None:
        """Ask for the time, and again to be sure; return what cut that short."""
        samples: list[ClockSample] = []
        try:
            while len(samples) < SAMPLES:
                samples.append(await self._sample())
        except ExchangeError as error:
            log.debug("the exchange did not tell its time", reason=str(error))
            return error
        finally:
            fresh, trust, now = estimate_of(samples), self._options.trust, self._now()
            self._estimate = preferred(self._estimate, fresh, trust, now)
            self.known = preferred(self.known, fresh, trust, now)
        return None

    async def _sample(self) -> ClockSample:
        async with self._options.turn():
            asked_at = self._now()
            server_ms = await self._ask()
            return ClockSample(asked_at, self._now(), server_ms)

    def _wait_seconds(self, failures: int) -> float:
        every, first = self._options.every_seconds, self._options.retry_first_seconds
        return jittered(failures - 1, first_seconds=first, max_seconds=every) if failures else every


@asynccontextmanager
async def running_clock(
    ask: AskTime, *, first_seconds_max: float, options: ClockOptions = DEFAULT_OPTIONS
) -> AsyncIterator[ExchangeClock]:
    """Keep the exchange's time while the body runs, which begins once it is known, or known to be unknown for now."""
    clock = ExchangeClock(ask, options)
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(clock.keep(), name="exchange-clock")
        await pause(first_seconds_max, clock.first_round)
        yield clock
        keeping.cancel()
