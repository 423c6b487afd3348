"""The supervisor of positions: looks at each every second or two, and has those sold that are due.

MEXC has no stop orders, so a position is only as safe as this is alive: it has a health of its own.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

import structlog

from executor.exit_rules import Seen, exit_due
from executor.order import ExitReason
from executor.position import Position
from executor.positions import Held, held, raise_peak
from executor.selling import Selling
from executor.settings import ExitSettings
from executor.views import Markets
from shared.backoff import pause
from shared.database import Database
from shared.errors import TransientError
from shared.events import HealthStatus
from shared.health import Component
from shared.mexc.clock import ClockUncertainError
from shared.mexc.errors import ExchangeError

log = structlog.get_logger(__name__)

RETRY_SECONDS_MAX: Final = 60.0


class Halts(Protocol):
    def exits_halted(self) -> str:
        """Say why nothing may be sold now; empty where it may."""


@dataclass(frozen=True, slots=True)
class _Patience:
    """A position that could not be sold is tried again later each time."""

    retry_at: float
    wait_seconds: float


class Exits:
    def __init__(
        self,
        database: Database,
        markets: Markets,
        selling: Selling,
        halts: Halts,
        settings: ExitSettings,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._markets = markets
        self._selling = selling
        self._halts = halts
        self._settings = settings
        self._now = now
        self._patience: dict[str, _Patience] = {}

    async def run(self, component: Component, until: asyncio.Event) -> None:
        """Look at every position again and again, until *until* is set."""
        while not until.is_set():
            try:
                await self.look()
            except (TransientError, ExchangeError, ClockUncertainError) as error:
                component.set(HealthStatus.DEGRADED, f"positions are not watched: {error}")
            else:
                component.set(HealthStatus.RUNNING)
                component.saw_event(self._now())
            await pause(self._settings.exit_check_seconds, until)

    async def look(self) -> None:
        """Look at every position once; return when those that were due are sold, or could not be."""
        positions = await held(self._database, self._selling.modes)
        self._forget_all_but({_name(each.position) for each in positions})
        if not positions:
            return
        bids = await self._markets.best_bids({each.position.symbol for each in positions})
        due = [(each.position, reason) for each in positions if (reason := await self._due(each, bids)) is not None]
        if due and (halted := self._halts.exits_halted()):
            log.warning("sales are halted", positions=len(due), reason=halted)
            return
        for position, reason in due:
            self._be_patient(position)
            await self._selling.sell(position, reason)

    async def _due(self, each: Held, bids: Mapping[str, Decimal]) -> ExitReason | None:
        position, bid = each.position, bids.get(each.position.symbol)
        if bid is not None and bid > position.peak_price:
            await raise_peak(self._database, position, bid)
        reason = exit_due(position, Seen(bid, each.close_requested, self._now()), self._settings)
        return reason if reason is not None and self._may_try(position) else None

    def _may_try(self, position: Position) -> bool:
        patience = self._patience.get(_name(position))
        return patience is None or asyncio.get_running_loop().time() >= patience.retry_at

    def _be_patient(self, position: Position) -> None:
        before = self._patience.get(_name(position))
        first = self._settings.exit_check_seconds
        wait_seconds = first if before is None else min(RETRY_SECONDS_MAX, before.wait_seconds * 2)
        self._patience[_name(position)] = _Patience(asyncio.get_running_loop().time() + wait_seconds, wait_seconds)

    def _forget_all_but(self, names: set[str]) -> None:
        self._patience = {name: patience for name, patience in self._patience.items() if name in names}


def _name(position: Position) -> str:
    return f"{position.mode}|{position.listing.key}"
