"""Sale orders of positions, through the same journal and sender as every order."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import structlog

from executor.journal.decision_writer import DecisionWriter
from executor.model.order import ExitReason
from executor.model.position import Position
from executor.pricing.valuation import is_worth_selling
from executor.sending.last_balances import BalanceSource
from executor.sending.order_sender import OrderSender
from shared.events import Mode, Side, TradingRules
from shared.log_context import of_listing
from shared.mexc.errors import ExchangeError
from shared.mexc.orders.order_reports import Balance

log = structlog.get_logger(__name__)

SHARED_SECONDS: Final = 0.5
BALANCE_SECONDS_MAX: Final = 0.5
"""No sale waits longer for a balance: the exchange knows it anyway, and refuses an amount that is too large."""

Free = Callable[[str], Awaitable[Decimal]]
"""Returns the free balance of an asset; raises ExchangeError or ClockUncertainError."""


@dataclass(frozen=True, slots=True)
class SaleIntent:
    """An intended sale."""

    position: Position
    reason: ExitReason
    price_min: Decimal
    rules: TradingRules | None = None
    explained_by_others: Decimal | None = None
    """The quantity of the coin that other positions hold; None unless an earlier sale of this one is in doubt."""
    quantity: Decimal | None = None
    """Of the coin; None: all of it."""

    @property
    def is_beside_another(self) -> bool:
        return self.explained_by_others is not None


class FreeBalances:
    """Free balances of the account. Sales that begin together share one answer: MEXC gives two a second.

    No answer serves the same asset twice: a sale meanwhile has changed it.
    """

    def __init__(self, account: BalanceSource, clock: Callable[[], float] = time.monotonic) -> None:
        self._account = account
        self._clock = clock
        self._turn = asyncio.Lock()
        self._read_at = float("-inf")
        self._balances: Mapping[str, Balance] = {}
        self._served: set[str] = set()

    async def of(self, asset: str) -> Decimal:
        """Return the free balance of *asset*."""
        async with self._turn:
            age_seconds = self._clock() - self._read_at
            if age_seconds <= SHARED_SECONDS and asset in self._served:
                await asyncio.sleep(SHARED_SECONDS - age_seconds)
            if age_seconds > SHARED_SECONDS or asset in self._served:
                asked_at = self._clock()
                self._balances = await self._account.balances()
                self._read_at = asked_at
                self._served.clear()
            self._served.add(asset)
        balance = self._balances.get(asset)
        return Decimal(0) if balance is None else balance.free


class SaleOrders:
    def __init__(self, journal: DecisionWriter, sender: OrderSender, free: Mapping[Mode, Free | None]) -> None:
        self._journal = journal
        self._sender = sender
        self._free = free

    @property
    def modes(self) -> list[Mode]:
        """The modes whose positions can be sold from here."""
        return list(self._free)

    def banned_seconds(self) -> float:
        """Return the seconds left of a ban."""
        return self._sender.banned_seconds()

    def has_free_connection(self) -> bool:
        """Return whether a sale could leave at once: not while all connections wait for answers to others."""
        return self._sender.has_free_connection(Side.SELL)

    async def sell(self, intent: SaleIntent) -> None:
        """Sell as much of *intent* as the account holds; return after the attempt."""
        with of_listing(intent.position.listing):
            position = intent.position
            sellable = await self.sellable_quantity(intent)
            amount = sellable if intent.quantity is None else min(sellable, intent.quantity)
            if not is_worth_selling(amount, intent.price_min, intent.rules):
                log.info(
                    "too little of what was bought is there to be sold", position=position.name, free=f"{amount:f}"
                )
                return
            order = await self._journal.sell(
                position, amount, intent.reason, price_min=intent.price_min, beside=intent.is_beside_another
            )
            if order is not None:
                log.info("selling", symbol=position.symbol, listing=position.listing.key, reason=intent.reason)
                await self._sender.place(order)

    async def sellable_quantity(self, intent: SaleIntent) -> Decimal:
        """Return the quantity that the account holds: a purchase takes a moment to arrive, and people sell by hand.

        Beside a sale in doubt only the balance that no other position explains counts: had that one sold, it would be
        gone.
        """
        position = intent.position
        free = self._free[position.mode]
        if free is None:
            return position.base_qty
        try:
            async with asyncio.timeout(BALANCE_SECONDS_MAX):
                there = await free(position.listing.base_asset)
        except (ExchangeError, TimeoutError) as error:
            if intent.is_beside_another:
                raise
            # A stop does not wait for a balance: the exchange refuses to sell missing coins.
            log.warning(
                "the balance is not known, so all of a position is sold", position=position.name, reason=repr(error)
            )
            return position.base_qty
        return max(Decimal(0), min(position.base_qty, there - (intent.explained_by_others or 0)))
