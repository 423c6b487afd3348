"""Absent orders: give up an order that the exchange does not show, once its absence is proven."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import structlog

from executor.journal.order_transitions import OrderTransitions
from executor.model import Order, OrderEvent, OrderState, OrderUpdate, Reason, Refusal, is_named_apart
from executor.reconciliation.order_search import OrderSearch, search_deadlines
from executor.settings import ExecutorSettings
from executor.venues.venue import REMEMBERED, Venue, Way
from shared.events import Mode, Side
from shared.mexc.orders.order_reports import Balance

log = structlog.get_logger(__name__)

UNSOLD_SECONDS: Final = 0.25
"""How long the coins of a sale have to be seen in the account."""
ROUNDING: Final = Decimal("0.999")
"""The share of the explained balance that has to be there: fees are rounded."""

Record = Callable[[Order, OrderUpdate], Awaitable[Order | None]]


class AbsentOrders:
    def __init__(
        self,
        venues: Mapping[Mode, Venue],
        transitions: OrderTransitions,
        settings: ExecutorSettings,
        *,
        record: Record,
        now: Callable[[], datetime],
    ) -> None:
        self._venues = venues
        self._transitions = transitions
        self._settings = settings
        self._record = record
        self._now = now

    async def miss(self, order: Order, search: OrderSearch, ways: Sequence[Way], others: Collection[str]) -> None:
        """Count a look-up by *ways* that did not show *order*; *others* are trades that may be of it.

        Absence takes time and several look-ups to prove.
        """
        deadlines, now = search_deadlines(order, self._settings), self._now()
        if order.state is OrderState.SENDING and now > deadlines.sent_by:
            why = Refusal(Reason.OUTCOME_UNKNOWN, "its sender is gone")
            doubted = await self._record(order, OrderUpdate(OrderEvent.UNANSWERED, why))
            order = order if doubted is None else doubted
        if order.state is not OrderState.UNKNOWN or now <= deadlines.arrived_by:
            return
        if others and (strange := set(others) - await self._transitions.known_ids(order)):
            search.unsold_since = None
            search.obstacle = f"there are trades of the symbol that may be of it: {', '.join(sorted(strange)[:3])}"
        elif order.side is Side.SELL and order.mode is Mode.LIVE and not is_named_apart(order.listing):
            if order.listing.base_asset in self._settings.other_holdings:
                await self._miss_sale_among_others(order, search)
            else:
                await self._miss_sale(order, search, ways)
        elif await self._is_proven(order, search):
            await self._give_up(order)

    async def _miss_sale(self, order: Order, search: OrderSearch, ways: Sequence[Way]) -> None:
        """A sale that took place leaves fewer coins, or locks them; where all are there and free, it did not."""
        explained, perhaps = await self._transitions.held_of(order)
        if explained is not None and not explained:
            # Another sale sold all of the position, which this one would have left nothing for.
            search.unsold_since = None
            search.obstacle = "its position has ended, and no trade of it is shown"
            if await self._is_proven(order, search):
                await self._give_up(order)
            return
        if Way.BALANCE not in ways and search.unsold_since is None:
            return
        balance = await self._venues[order.mode].balance(order.listing.base_asset)
        arrived_by = search_deadlines(order, self._settings).arrived_by
        if not _is_all_there(explained, balance):
            search.unsold_since = None
            search.obstacle = "its coins are not all there and free, and no trade of it is shown"
        elif not _is_all_there(explained, balance, perhaps):
            await self._miss_sale_among_others(order, search)
        elif search.unsold_since is None:
            search.unsold_since = self._now()
        elif (self._now() - search.unsold_since).total_seconds() >= UNSOLD_SECONDS and search.is_exhausted(arrived_by):
            await self._give_up(order)

    async def _miss_sale_among_others(self, order: Order, search: OrderSearch) -> None:
        """Treat the sale of a coin of which the account may hold more as a purchase: its balance proves no absence.

        A balance that is too small proves that the sale is not absent. Of an external or written-off position coins
        may be there or gone for good, so that one is not in doubt for ever beside it.
        """
        asset, search.unsold_since = order.listing.base_asset, None
        search.obstacle = f"{search.obstacle}, and the account may hold other {asset}"
        protection = timedelta(seconds=self._settings.protection_seconds)
        is_over = self._now() > search_deadlines(order, self._settings).sent_by + protection
        if not (is_over and await self._is_proven(order, search)):
            return
        (explained, _), balance = await self._transitions.held_of(order), await self._venues[order.mode].balance(asset)
        if _is_all_there(explained, balance):
            await self._give_up(order)

    async def _is_proven(self, order: Order, search: OrderSearch) -> bool:
        """Return whether enough look-ups missed *order* in every way, while the exchange would still show it.

        An order that is older only an operator can settle. A dry run leaves nothing at the exchange.
        """
        if order.mode is Mode.DRY_RUN:
            return order.side is Side.SELL or await self._transitions.missed(order) >= self._settings.absent_reads
        is_remembered = self._now() - order.decided_at < REMEMBERED - timedelta(hours=1)
        if not (is_remembered and search.is_exhausted(search_deadlines(order, self._settings).arrived_by)):
            return False
        return await self._transitions.missed(order) >= self._settings.absent_reads

    async def _give_up(self, order: Order) -> None:
        never = Reason.INTERRUPTED if order.mode is Mode.DRY_RUN else Reason.NEVER_ARRIVED
        log.warning("an order never arrived", symbol=order.symbol, order=order.client_order_id)
        given_up_at = None if order.mode is Mode.DRY_RUN else self._now()
        await self._record(order, OrderUpdate(OrderEvent.FOUND_ABSENT, Refusal(never), given_up_at=given_up_at))


def _is_all_there(explained: Decimal | None, balance: Balance | None, perhaps: Decimal = Decimal(0)) -> bool:
    """Return whether the coins that the positions explain are there, and free, together with those *perhaps* there."""
    if balance is None or explained is None:
        return False
    return not balance.locked and balance.free >= (explained + perhaps) * ROUNDING
