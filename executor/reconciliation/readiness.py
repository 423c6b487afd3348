"""Readiness for live orders: the clock is known, and the orders of earlier runs are settled."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import structlog

from executor.model import Reason, Refusal
from executor.reconciliation.order_reconciler import OrderReconciler
from shared.errors import TransientError, jittered, pause
from shared.events import Mode
from shared.mexc.errors import ClockUncertainError, ExchangeError
from shared.postgres.database import Database

log = structlog.get_logger(__name__)

HOLD_LOOK_SECONDS: Final = 0.25
AUTO_TRADE: Final = "SELECT coalesce((SELECT auto_trade FROM trade_config), false)"
_RETRY_SECONDS_MAX: Final = 5.0
_NAMED_MAX: Final = 3


class Clock(Protocol):
    def now_ms(self) -> int:
        """Return the exchange's time; raise ClockUncertainError where it is too uncertain."""


class Readiness:
    """No live purchase before `reconcile` returned. Exits do not wait for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._obstacle = ""
        self.settled = asyncio.Event()
        """Set once all orders of earlier runs are settled."""

    @property
    def reconciled(self) -> bool:
        return self.settled.is_set()

    def mark_reconciled(self) -> None:
        """Record that everything is settled."""
        self._obstacle = ""
        self.settled.set()

    def set_obstacle(self, obstacle: str) -> None:
        """Record the obstacle of the reconciliation."""
        if obstacle != self._obstacle:
            log.warning("not reconciled, so nothing is bought live", reason=obstacle)
        self._obstacle = obstacle

    def obstacle(self) -> str:
        """Return the obstacle of the reconciliation; empty once everything is settled."""
        return "" if self.reconciled else self._obstacle or "not settled with the exchange yet"

    def clock_objection(self) -> str:
        """Return the reason why no order can be signed now; empty where one can."""
        try:
            self._clock.now_ms()
        except ClockUncertainError as error:
            return str(error)
        return ""

    def unready(self) -> Refusal | None:
        """Return the refusal of any live order now; None where one could be sent."""
        if objection := self.clock_objection():
            return Refusal(Reason.CLOCK_UNCERTAIN, objection)
        return None if self.settled.is_set() else Refusal(Reason.UNRECONCILED, self._obstacle)


async def reconcile(
    reconciler: OrderReconciler,
    check_holdings: Callable[[], Awaitable[None]],
    readiness: Readiness,
    stop: asyncio.Event,
    alarm: Callable[[str, str], None],
) -> None:
    """Look up all unsettled orders until each was answered once, or *stop* is set."""
    attempt = 0
    while not stop.is_set():
        obstacle = await _obstacle(reconciler, check_holdings)
        if stop.is_set():
            return
        if not obstacle:
            alarm("reconciliation", "")
            readiness.mark_reconciled()
            return
        readiness.set_obstacle(obstacle)
        if attempt:
            alarm("reconciliation", f"not reconciled, so nothing is bought live: {obstacle}")
        await pause(jittered(attempt, max_seconds=_RETRY_SECONDS_MAX), stop)
        attempt += 1


async def _obstacle(reconciler: OrderReconciler, check_holdings: Callable[[], Awaitable[None]]) -> str:
    """Return the obstacle to live purchases; empty without one."""
    try:
        if obstacles := await reconciler.obstacles(Mode.LIVE):
            return "; ".join(obstacles[:_NAMED_MAX])
        await check_holdings()
    except (TransientError, ExchangeError, ClockUncertainError) as error:
        return str(error)
    except Exception as error:
        # An error here holds back purchases only.
        log.exception("not reconciled")
        return type(error).__name__
    return ""


async def purchases_may_begin(
    database: Database, readiness: Readiness, stop: asyncio.Event, *, hold_seconds: float
) -> None:
    """Return once listings may be decided on: after the reconciliation, or where purchases are on paper.

    They wait for *hold_seconds* at most: after that, live purchases wait one by one, each while its listing is fresh.
    """
    try:
        async with asyncio.timeout(hold_seconds):
            while not (readiness.reconciled or stop.is_set() or await is_paper(database)):
                await pause(HOLD_LOOK_SECONDS, readiness.settled)
    except TimeoutError:
        return


async def is_paper(database: Database) -> bool:
    """Return whether auto_trade is off; False while the database is away."""
    try:
        async with database.connection() as connection:
            return not await connection.fetchval(AUTO_TRADE)
    except TransientError:
        return False
