"""Clock of the exchange, estimated again at intervals."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Never, Protocol

import structlog

from shared.errors import jittered, pause
from shared.mexc.errors import QUIET_LOOK_SECONDS, ClockUncertainError, ExchangeError, RateLimited
from shared.mexc.time.clock_estimate import (
    ClockEstimate,
    ClockSample,
    TrustLimits,
    boot_seconds,
    estimate_of,
    preferred,
)

log = structlog.get_logger(__name__)

SAMPLES: Final = 5
SUSPECTED_SECONDS: Final = 5.0
"""Least interval of early estimates after suspicions."""

RETRY_SECONDS_MAX: Final = 5.0
"""Between rounds while the time is unknown: nothing is signed meanwhile, sales least of all."""

AskTime = Callable[[], Awaitable[int]]
"""Returns the exchange's time in milliseconds; raises ExchangeError."""

Turn = Callable[[], AbstractAsyncContextManager[None]]
"""Entered when a request may be sent, and left with its answer or error."""
STEP_SECONDS: Final = 2.0
"""A better estimate moves the time by less, beyond both uncertainties; more is a step of the exchange's clock."""
FOLLOWED_SECONDS: Final = 120.0
"""Time a step must have lasted before it is followed: longer than an order may be under way. Requests are signed by the
exchange's time as it is, in the meantime too."""


@dataclass(frozen=True, slots=True)
class ClockOptions:
    every_seconds: float = 30.0
    retry_first_seconds: float = 1.0
    trust: TrustLimits = field(default_factory=TrustLimits)
    turn: Turn = nullcontext
    """Waiting for it does not count as latency."""


DEFAULT_OPTIONS: Final = ClockOptions()


class ExchangeClock:
    """The exchange's time, carried on by our monotonic clock, so that steps of the wall clock do not move it."""

    def __init__(
        self, ask: AskTime, options: ClockOptions = DEFAULT_OPTIONS, now: Callable[[], float] = boot_seconds
    ) -> None:
        self._ask = ask
        self._options = options
        self._now = now
        self._estimate: ClockEstimate | None = None
        self.known: ClockEstimate | None = None
        """Best estimate ever, doubted or not; not to be used for signing."""
        self._doubted = asyncio.Event()
        self._suspected_at = float("-inf")
        self.first_round = asyncio.Event()
        """Set after the first round, however it ended."""

    def now_ms(self) -> int:
        """Return the exchange's time in milliseconds since the epoch; raise ClockUncertainError where it is unknown."""
        now = self._now()
        return self._trusted(now).now_ms(now)

    def likely_ahead_seconds(self) -> float:
        """Return the likeliest lead over the monotonic clock: for stamps, not for what must not be early.

        Raises ClockUncertainError where it is unknown.
        """
        return self._trusted(self._now()).likely_ahead_seconds

    def _trusted(self, now: float) -> ClockEstimate:
        if objection := self._options.trust.objection(self._estimate, now):
            if self._estimate is not None:
                self.suspect()  # A machine that slept has a keeper whose timer slept, too.
            raise ClockUncertainError(objection)
        assert self._estimate is not None
        return self._estimate

    def is_trustworthy(self) -> bool:
        """Return whether it may be used for signing. May be called from another thread."""
        return not self._options.trust.objection(self._estimate, self._now())

    def doubt(self) -> None:
        """Drop the estimate and make another at once: the exchange refused a timestamp made from it."""
        self._estimate = None
        self._doubted.set()

    def suspect(self) -> None:
        """Make another estimate soon, and keep the present one until then: the exchange refused a query's timestamp.

        The query may only have been slow, and must not keep orders from being signed. A wrong estimate is corrected
        before an order runs into it.
        """
        now = self._now()
        if now - self._suspected_at >= SUSPECTED_SECONDS:
            self._suspected_at = now
            self._doubted.set()

    def uncertainty_seconds(self) -> float:
        """Return the uncertainty; infinite while the time is unknown. May be called from another thread."""
        estimate = self._estimate
        return float("inf") if estimate is None else estimate.uncertainty_ms / 1000

    def ahead_seconds(self) -> float:
        """Return how far the exchange is ahead of this machine's wall clock; NaN while that is unknown."""
        estimate = self._estimate
        return float("nan") if estimate is None else estimate.now_ms(self._now()) / 1000 - time.time()

    async def keep(self) -> Never:
        """Estimate the time at intervals, until cancelled; more often while it is unknown."""
        failures = 0
        while True:
            self._doubted.clear()
            error = await self._round()
            self.first_round.set()
            if isinstance(error, RateLimited):  # Doubt does not shorten the back-off of a rate limit.
                # Not the whole of a long one in one sleep, which stands still while the machine sleeps: what limits
                # the requests refuses the next round while the quiet lasts.
                await asyncio.sleep(
                    min(max(error.quiet_seconds, self._options.retry_first_seconds), QUIET_LOOK_SECONDS)
                )
                continue  # Without the time nothing can be signed, sales least of all.
            failures = 0 if self.is_trustworthy() and error is None else failures + 1
            every, first = self._options.every_seconds, self._options.retry_first_seconds
            longest = max(first, min(every, RETRY_SECONDS_MAX))
            seconds = jittered(failures - 1, first_seconds=first, max_seconds=longest) if failures else every
            await pause(seconds, self._doubted)

    async def _round(self) -> Exception | None:
        """Take a round of samples; return the error that cut it short."""
        samples: list[ClockSample] = []
        try:
            while len(samples) < SAMPLES:
                samples.append(await self._sample())
        except ExchangeError as error:
            log.debug("the exchange did not tell its time", reason=str(error))
            return error
        except Exception as error:
            # An error of one round must not end the others: nothing is signed without the time.
            log.exception("the exchange's time was not read")
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


@asynccontextmanager
async def running_clock(
    ask: AskTime, *, first_seconds_max: float, options: ClockOptions = DEFAULT_OPTIONS
) -> AsyncIterator[ExchangeClock]:
    """Estimate the exchange's time while the body runs, which begins after the first round or the timeout."""
    clock = ExchangeClock(ask, options)
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(clock.keep(), name="exchange-clock")
        await pause(first_seconds_max, clock.first_round)
        yield clock
        keeping.cancel()


class KnownTime(Protocol):
    @property
    def known(self) -> ClockEstimate | None:
        """Return the best estimate ever of the exchange's time; None before the first."""


class TradingClock:
    """Moments are the exchange's, durations monotonic. The wall clock is read once, until the first estimate.

    The exchange's time also counts where it is too old or too uncertain for signing: it is carried on by the monotonic
    clock of its estimate, and closer to the truth than a wall clock that may be set at any moment.
    """

    def __init__(
        self,
        exchange: KnownTime,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = boot_seconds,
    ) -> None:
        self._exchange = exchange
        self._monotonic = monotonic
        self._ahead = wall() - monotonic()
        """Lead of the followed time over the monotonic clock."""
        self._estimate: ClockEstimate | None = None
        self._off_seconds_max = float("inf")
        """Uncertainty of the followed time."""
        self._stepped_at: float | None = None

    def now(self) -> datetime:
        """Return the time, aware."""
        at = self._monotonic()
        # On the hot path of orders: between two estimates, half a minute apart, this is an addition.
        if self._exchange.known is not self._estimate or self._stepped_at is not None:
            self._follow(at)
        return datetime.fromtimestamp(at + self._ahead, UTC)

    def _follow(self, at: float) -> None:
        """Follow the latest estimate, unless the exchange's clock has just stepped.

        Deadlines of orders under way are in this time, and must not become shorter or longer.
        """
        self._estimate = self._exchange.known
        assert self._estimate is not None
        ahead, off_seconds_max = self._estimate.likely_ahead_seconds, self._estimate.uncertainty_ms / 1000
        is_better = abs(ahead - self._ahead) <= STEP_SECONDS + self._off_seconds_max + off_seconds_max
        if is_better or (self._stepped_at is not None and at - self._stepped_at >= FOLLOWED_SECONDS):
            self._ahead, self._off_seconds_max, self._stepped_at = ahead, off_seconds_max, None
        elif self._stepped_at is None:
            self._stepped_at = at
