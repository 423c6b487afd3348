"""Sale orders of positions, through the same journal and sender as every order."""

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final

import structlog

from executor.journal.decision_writer import DecisionWriter
from executor.model import ExitReason, Order, Position, PriceSource, is_named_apart
from executor.pricing import is_worth_selling
from executor.rate_limits.order_slots import OrderSlots
from executor.sending.last_balances import BalanceSource
from executor.sending.order_sender import OrderSender
from executor.sending.request_builder import BuiltRequest
from shared.events import Mode, Side, TradingRules
from shared.mexc.errors import ClockUncertainError, ExchangeError, ExchangeUnavailable
from shared.mexc.orders.order_reports import Balance

log = structlog.get_logger(__name__)

SHARED_SECONDS: Final = 0.5
BALANCE_SECONDS_MAX: Final = 0.5
"""No sale waits longer for a balance: the exchange knows it anyway, and refuses an amount that is too large."""

COVERED_SECONDS: Final = 60.0
"""The greatest age of a balance that spares a sale the request for another."""
REQUEST_SECONDS: Final = 5.0
"""Between requests for the balance of an asset ahead of its sale."""


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
    source: PriceSource = PriceSource.REST
    """Of the prices by which it is due."""

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
        self._meanwhile: set[str] = set()
        """Assets of which a sale began since the last request: its answer may be older."""
        self._asked_at: dict[str, float] = {}
        """When the balance of each asset was last read ahead."""

    def covers(self, asset: str, quantity: Decimal) -> bool:
        """Return whether *quantity* of *asset* was free lately, and no sale of it has begun since."""
        is_recent = self._clock() - self._read_at <= COVERED_SECONDS
        balance = self._balances.get(asset)
        return is_recent and asset not in self._served and balance is not None and balance.free >= quantity

    def spend(self, asset: str) -> None:
        """Record that a sale of *asset* begins, which changes its balance."""
        self._served.add(asset)
        self._meanwhile.add(asset)

    def claim_reading(self, assets: Collection[str]) -> bool:
        """Return whether the balance of any of *assets* is to be read ahead of a sale now, and count that."""
        now = self._clock()
        recent = {asset: at for asset, at in self._asked_at.items() if now - at < REQUEST_SECONDS}
        if self._turn.locked() or recent.keys() >= set(assets):
            return False
        self._asked_at = recent | dict.fromkeys(assets, now)
        return True

    async def read_ahead(self) -> None:
        """Read the balances before any sale needs them; a failure leaves that to the sale."""
        try:
            async with self._turn:
                await self._read()
        except (ExchangeError, ClockUncertainError) as error:
            log.info("balances were not read ahead", reason=repr(error))
        except Exception:
            log.exception("balances were not read ahead")

    async def of(self, asset: str) -> Decimal:
        """Return the free balance of *asset*."""
        async with self._turn:
            age_seconds = self._clock() - self._read_at
            if age_seconds <= SHARED_SECONDS and asset in self._served:
                await asyncio.sleep(SHARED_SECONDS - age_seconds)
            if age_seconds > SHARED_SECONDS or asset in self._served:
                await self._read()
            self._served.add(asset)
        balance = self._balances.get(asset)
        return Decimal(0) if balance is None else balance.free

    async def _read(self) -> None:
        asked_at, self._meanwhile = self._clock(), set()
        if not (balances := await self._account.balances()):
            raise ExchangeUnavailable("an account with positions is never empty")
        self._balances = balances
        self._read_at, self._served = asked_at, self._meanwhile


class _WayOut:
    """The way out of one sale, which leaves ahead of everything else that follows from its commit."""

    def __init__(self, sender: OrderSender, intent: SaleIntent) -> None:
        self._sender = sender
        self._intent = intent
        self._built: BuiltRequest | None = None
        self._placing: asyncio.Task[None] | None = None

    def prepare(self, order: Order) -> None:
        """Make and sign the request of *order* while its commit is under way."""
        self._built = self._sender.made_ahead(order)

    def send(self, order: Order) -> None:
        """Send *order*, which is committed, in the next turn of the loop."""
        placing = self._sender.place(order, built=self._built)
        self._placing = asyncio.create_task(placing, name=f"order-{order.symbol}")
        reason, prices = self._intent.reason, self._intent.source
        # Logged once the order has left.
        asyncio.get_running_loop().call_soon(
            lambda: log.info("selling", symbol=order.symbol, listing=order.listing_key, reason=reason, prices=prices)
        )

    async def ended(self) -> None:
        """Return once it is known what came of the sale, where there was one."""
        if self._placing is not None:
            await self._placing


class SaleOrders:
    def __init__(
        self,
        journal: DecisionWriter,
        sender: OrderSender,
        free: Mapping[Mode, FreeBalances | None],
        slots: OrderSlots,
    ) -> None:
        self.banned_seconds = slots.banned_seconds
        self.has_free_connection = partial(slots.has_free_connection, Side.SELL)
        """Returns whether a sale could leave at once: not while all connections wait for answers to others."""
        self._journal = journal
        self._sender = sender
        self._free = free
        self._under_way = 0

    @property
    def modes(self) -> list[Mode]:
        """The modes whose positions can be sold from here."""
        return list(self._free)

    def is_selling(self) -> bool:
        """Return whether a sale is under way."""
        return self._under_way > 0

    def balances_wanted(self, positions: Iterable[Position]) -> Coroutine[None, None, None] | None:
        """Return the reading of balances ahead of the sales of live *positions*; None where it would spare nothing."""
        if (free := self._free.get(Mode.LIVE)) is None:
            return None
        live = [(each.listing.base_asset, each.base_qty) for each in positions if each.mode is Mode.LIVE]
        uncovered = {asset for asset, quantity in live if not free.covers(asset, quantity)}
        return free.read_ahead() if free.claim_reading(uncovered) else None

    async def sell(self, intent: SaleIntent) -> None:
        """Sell as much of *intent* as the account holds; return after the attempt."""
        position = intent.position
        self._under_way += 1
        try:
            sellable = await self.sellable_quantity(intent)
            amount = sellable if intent.quantity is None else min(sellable, intent.quantity)
            if not is_worth_selling(amount, intent.price_min, intent.rules):
                free = f"{amount:f}"
                log.info("too little of what was bought is there to be sold", position=position.name, free=free)
                return
            way_out = _WayOut(self._sender, intent)
            try:
                await self._journal.sell(
                    position,
                    amount,
                    intent.reason,
                    price_min=intent.price_min,
                    beside=intent.is_beside_another,
                    way_out=way_out,
                )
            finally:
                await way_out.ended()
        finally:
            self._under_way -= 1

    async def sellable_quantity(self, intent: SaleIntent) -> Decimal:
        """Return the quantity that the account holds: a purchase takes a moment to arrive, and people sell by hand.

        Beside a sale in doubt only the balance that no other position explains counts: had that one sold, it would be
        gone.
        """
        position = intent.position
        free, asset = self._free[position.mode], position.listing.base_asset
        if free is None:
            return position.base_qty
        if not intent.is_beside_another and free.covers(asset, position.base_qty):
            free.spend(asset)
            return position.base_qty
        try:
            async with asyncio.timeout(BALANCE_SECONDS_MAX):
                there = await free.of(asset)
        except (ExchangeError, TimeoutError) as error:
            if intent.is_beside_another:
                raise
            # A stop does not wait for a balance: the exchange refuses to sell missing coins.
            log.warning(
                "the balance is not known, so all of a position is sold", position=position.name, reason=repr(error)
            )
            return position.base_qty
        if not there and not intent.is_beside_another and is_named_apart(position.listing):
            log.warning("the account names a coin otherwise, so all of a position is sold", position=position.name)
            return position.base_qty
        return max(Decimal(0), min(position.base_qty, there - (intent.explained_by_others or 0)))
