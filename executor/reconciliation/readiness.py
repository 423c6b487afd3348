"""Whether live orders may be sent at all: the clock is known, and what earlier runs left behind is settled."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import structlog

from executor.model.reasons import Reason, Refusal
from executor.reconciliation.order_reconciler import OrderReconciler
from shared.backoff import jittered, pause
from shared.errors import TransientError
from shared.events import Mode
from shared.mexc.errors import ExchangeError
from shared.mexc.time.clock_estimate import ClockUncertainError

log = structlog.get_logger(__name__)

_RETRY_SECONDS_MAX: Final = 5.0
_NAMED_MAX: Final = 3


class Clock(Protocol):
    def now_ms(self) -> int:
        """Return the exchange's time; raise ClockUncertainError where it is not known well enough."""


class Readiness:
    """Nothing is bought live before `reconcile` returned. Exits do not wait for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._obstacle = ""
        self.settled = asyncio.Event()
        """Set once everything was settled that an earlier run left."""

    @property
    def reconciled(self) -> bool:
        return self.settled.is_set()

    def reconcile(self) -> None:
        """Take note that everything is settled."""
        self._obstacle = ""
        self.settled.set()

    def object(self, obstacle: str) -> None:
        """Take note of the obstacle."""
        if obstacle != self._obstacle:
            log.warning("not reconciled, so nothing is bought live", reason=obstacle)
        self._obstacle = obstacle

    def obstacle(self) -> str:
        """Return what is not settled yet; empty once everything is."""
        return "" if self.reconciled else self._obstacle or "not settled with the exchange yet"

    def clock_objection(self) -> str:
        """Return why nothing can be signed now; empty where it can."""
        try:
            self._clock.now_ms()
        except ClockUncertainError as error:
            return str(error)
        return ""

    def unready(self) -> Refusal | None:
        """Say why no live order could be sent now."""
        if not self.reconciled:
            return Refusal(Reason.UNRECONCILED, self._obstacle)
        objection = self.clock_objection()
        return Refusal(Reason.CLOCK_UNCERTAIN, objection) if objection else None


async def reconcile(
    resolver: OrderReconciler,
    check_holdings: Callable[[], Awaitable[None]],
    readiness: Readiness,
    stop: asyncio.Event,
    alarm: Callable[[str, str], None],
) -> None:
    """Ask the exchange about everything unsettled, until it has answered about all of it once, or *stop* is set."""
    attempt = 0
    while not stop.is_set():
        obstacle = await _obstacle(resolver, check_holdings)
        if stop.is_set():
            return
        if not obstacle:
            alarm("reconciliation", "")
            readiness.reconcile()
            return
        readiness.object(obstacle)
        if attempt:
            alarm("reconciliation", f"not reconciled, so nothing is bought live: {obstacle}")
        await pause(jittered(attempt, max_seconds=_RETRY_SECONDS_MAX), stop)
        attempt += 1


async def _obstacle(resolver: OrderReconciler, check_holdings: Callable[[], Awaitable[None]]) -> str:
    """Return the obstacle to buying; empty where there is none."""
    try:
        if obstacles := await resolver.obstacles(Mode.LIVE):
            return "; ".join(obstacles[:_NAMED_MAX])
        await check_holdings()
    except (TransientError, ExchangeError, ClockUncertainError) as error:
        return str(error)
    except Exception as error:
        # A fault here holds purchases back, and nothing else.
        log.exception("not reconciled")
        return type(error).__name__
    return ""
