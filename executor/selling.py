"""Sell what is held of one position, through the same journal and the same way out as every order."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Final, Protocol

import structlog

from executor.journal import Journal
from executor.order import ExitReason
from executor.placing import Placing
from executor.position import Position
from shared.events import Mode
from shared.mexc.order_reports import Balance

log = structlog.get_logger(__name__)

SHARED_SECONDS: Final = 0.5

Free = Callable[[str], Awaitable[Decimal]]
"""Returns how much of an asset the account could sell; raises ExchangeError or ClockUncertainError."""


class Account(Protocol):
    async def balances(self) -> Mapping[str, Balance]:
        """Return what the account holds, by asset; raise ExchangeError or ClockUncertainError."""


class FreeBalances:
    """What the account could sell. Sales that begin together share one answer: MEXC gives two a second."""

    def __init__(self, account: Account, clock: Callable[[], float] = time.monotonic) -> None:
        self._account = account
        self._clock = clock
        self._turn = asyncio.Lock()
        self._read_at = float("-inf")
        self._balances: Mapping[str, Balance] = {}

    async def of(self, asset: str) -> Decimal:
        """Return how much of *asset* is free."""
        async with self._turn:
            if self._clock() - self._read_at > SHARED_SECONDS:
                asked_at = self._clock()
                self._balances = await self._account.balances()
                self._read_at = asked_at
        balance = self._balances.get(asset)
        return Decimal(0) if balance is None else balance.free


class Selling:
    def __init__(self, journal: Journal, placing: Placing, free: Mapping[Mode, Free | None]) -> None:
        self._journal = journal
        self._placing = placing
        self._free = free

    @property
    def modes(self) -> list[Mode]:
        """Those whose positions can be sold from here."""
        return list(self._free)

    def banned_seconds(self) -> float:
        """Return for how long the exchange wants to be asked nothing at all."""
        return self._placing.banned_seconds()

    async def sell(self, position: Position, reason: ExitReason) -> None:
        """Sell as much of *position* as is there; return when the sale was taken, or was not."""
        amount = await self._sellable(position)
        if amount <= 0:
            log.warning("the account does not hold what was bought, yet", symbol=position.symbol)
            return
        order = await self._journal.sell(position, amount, reason)
        if order is not None:
            log.info("selling", symbol=position.symbol, listing=position.listing.key, reason=reason)
            await self._placing.place(order)

    async def _sellable(self, position: Position) -> Decimal:
        """What was bought takes a moment to arrive, and people sell by hand."""
        free = self._free[position.mode]
        return position.base_qty if free is None else min(position.base_qty, await free(position.listing.base_asset))
