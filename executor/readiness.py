"""Whether live orders may be sent at all: the clock is known, and what earlier runs left behind is settled."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from decimal import Decimal
from typing import Final, Protocol

import structlog

from executor.halts import Cause
from executor.placing import Latch
from executor.reasons import Reason
from executor.resolver import Resolver
from executor.strategy import Refuse
from shared.backoff import jittered, pause
from shared.errors import TransientError
from shared.events import Mode
from shared.mexc.clock import ClockUncertainError
from shared.mexc.errors import ExchangeError
from shared.mexc.order_reports import Balance

log = structlog.get_logger(__name__)

_RETRY_SECONDS_MAX: Final = 5.0
_ROUNDING: Final = Decimal("1.001")
"""How far a balance may exceed what the positions explain."""

Held = Callable[[], Awaitable[Mapping[str, Decimal | None]]]
"""Returns what open live positions hold, by asset; None where that is not known yet."""


class Clock(Protocol):
    def now_ms(self) -> int:
        """Return the exchange's time; raise ClockUncertainError where it is not known well enough."""


class Balances(Protocol):
    async def balances(self) -> Mapping[str, Balance]:
        """Return what the account holds, by asset; raise ExchangeError."""


class Readiness:
    """Nothing is sent live before `reconcile` returned. Where that cannot be done, the executor does not trade."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.reconciled = False

    def unready(self) -> Refuse | None:
        """Say why no live order could be sent now."""
        if not self.reconciled:
            return Refuse(Reason.UNRECONCILED)
        try:
            self._clock.now_ms()
        except ClockUncertainError as error:
            return Refuse(Reason.CLOCK_UNCERTAIN, str(error))
        return None


async def reconcile(
    resolver: Resolver, check_holdings: Callable[[], Awaitable[None]], readiness: Readiness, stop: asyncio.Event
) -> None:
    """Ask the exchange about everything unsettled, until it has answered about all of it once, or *stop* is set."""
    attempt = 0
    while not stop.is_set():
        try:
            if await resolver.look_up_all(Mode.LIVE):
                await check_holdings()
                readiness.reconciled = True
                return
            log.warning("not reconciled, so nothing is traded live", reason="some orders are not settled yet")
        except (TransientError, ExchangeError, ClockUncertainError) as error:
            log.warning("not reconciled, so nothing is traded live", reason=str(error))
        await pause(jittered(attempt, max_seconds=_RETRY_SECONDS_MAX), stop)
        attempt += 1


async def check_holdings(account: Balances, held: Held, others: Collection[str], latch: Latch) -> None:
    """Halt where the account holds a coin that no position explains: the journal may be older than the account."""
    balances, explained = await account.balances(), await held()
    unexplained = sorted(
        asset
        for asset, balance in balances.items()
        if asset not in others
        and (known := explained.get(asset, Decimal(0))) is not None
        and balance.free + balance.locked > known * _ROUNDING
    )
    if unexplained:
        reason = f"the account holds what no position explains: {', '.join(unexplained[:10])}"
        latch(Cause.HOLDINGS, Mode.LIVE, reason)
