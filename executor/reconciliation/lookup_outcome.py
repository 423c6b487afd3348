"""Act on the finding of a look-up: a step in the life of the order, a cancel, or more patience."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, assert_never

import structlog

from executor.decisions.retry_policy import executed
from executor.journal.order_transitions import OrderTransitions
from executor.model.fill import Fill
from executor.model.order import Order
from executor.model.order_state import OrderEvent, OrderState
from executor.model.order_update import OrderUpdate
from executor.model.reasons import Reason, Refusal
from executor.reconciliation.order_search import OrderSearch, Times, times_of
from executor.settings import ExecutorSettings
from executor.venues.lookup_schedule import REMEMBERED, Way
from executor.venues.venue import Absent, Ended, Finding, Unclear, Untold, Venue, Working
from shared.events import Mode, Side
from shared.log_context import of_listing
from shared.mexc.errors import ExchangeRejected
from shared.mexc.orders.order_reports import Balance

log = structlog.get_logger(__name__)

UNKNOWN_ORDER: Final = -2011
"""The answer to a cancel where there is nothing to end any more."""
UNSOLD_SECONDS: Final = 0.25
"""For how long the coins of a sale have to be seen there."""
ENDED_SECONDS: Final = 0.5
"""For how long a cancel may take."""

CANCELLED_AGAIN_SECONDS: Final = 5.0
ROUNDING: Final = Decimal("0.999")
"""How much of what the positions explain has to be there: fees are rounded."""


class Settling:
    def __init__(
        self,
        venues: Mapping[Mode, Venue],
        books: OrderTransitions,
        settings: ExecutorSettings,
        *,
        tries_again: Callable[[Order, OrderUpdate], bool],
        now: Callable[[], datetime],
    ) -> None:
        """*tries_again* takes an order in charge that got nothing, where another attempt may follow."""
        self._tries_again = tries_again
        self._venues = venues
        self._books = books
        self._settings = settings
        self._now = now
        self._recording = asyncio.Lock()
        """One at a time: decisions want the exposure too."""

    def times(self, order: Order) -> Times:
        """Return the moments at which the search for *order* changes."""
        return times_of(order, self._settings)

    def has_ended(self, search: OrderSearch) -> bool:
        """Return whether the order was cancelled, and that long ago."""
        return search.cancelled_at is not None and self._since(search.cancelled_at) >= ENDED_SECONDS

    async def heed(self, order: Order, finding: Finding, search: OrderSearch, ways: Sequence[Way]) -> None:
        """Carry out what follows from *finding*, which *ways* led to."""
        with of_listing(order.listing):
            await self._heed(order, finding, search, ways)

    async def _heed(self, order: Order, finding: Finding, search: OrderSearch, ways: Sequence[Way]) -> None:
        match finding:
            case Ended(exchange_order_id, fill, note):
                await self._end(order, exchange_order_id, fill, Refusal(Reason.UNKNOWN_STATUS, note) if note else None)
            case Untold():
                await self._doubt(order, finding, search)
            case Unclear():
                await self._wait_for_end(order, finding, search)
            case Working(exchange_order_id):
                await self._let_work(order, exchange_order_id, search)
            case Absent(others):
                search.missed(ways, self._now())
                await self._miss(order, search, ways, others)
            case _:
                assert_never(finding)

    async def _end(self, order: Order, exchange_order_id: str, fill: Fill | None, odd: Refusal | None) -> None:
        update = replace(executed(fill), exchange_order_id=exchange_order_id)
        if fill is None and odd is None and order.state is OrderState.ACKNOWLEDGED:
            ended = replace(order, exchange_order_id=exchange_order_id)
            if self._tries_again(ended, update):
                return
        if odd is not None:
            log.error("an order ended in an odd way", symbol=order.symbol, order=order.client_order_id, reason=str(odd))
        await self._record(order, replace(update, why=odd or update.why))

    async def _doubt(self, order: Order, finding: Untold, search: OrderSearch) -> None:
        """Wait until trades add up; from then on its own figures count, or the trades where it has none."""
        search.obstacle = finding.why
        if search.untold is None or search.untold[0] != finding.fill:
            search.untold = finding.fill, self._now()
        elif self._since(search.untold[1]) >= self._settings.trades_seconds:
            odd = Refusal(Reason.FEE_ASSUMED, finding.why)
            await self._end(order, finding.exchange_order_id, finding.fill, odd)

    async def _wait_for_end(self, order: Order, finding: Unclear, search: OrderSearch) -> None:
        """Give an order whose status has no meaning here time to change, and then have it end."""
        search.obstacle = f"its status is {finding.word or 'missing'}"
        if search.unclear is None or search.unclear[0] != finding.executed_quantity:
            search.unclear = finding.executed_quantity, self._now()
            log.error("an order has a status that is not known here", order=order.client_order_id, word=finding.word)
        elif search.cancelled_at is None and self._since(search.unclear[1]) >= self._settings.unknown_status_seconds:
            await self._cancel(order, finding.exchange_order_id, search)

    async def _let_work(self, order: Order, exchange_order_id: str, search: OrderSearch) -> None:
        """An order of ours never rests: give it a moment to end by itself, then end it."""
        search.obstacle = "it rests"
        if order.state is not OrderState.ACKNOWLEDGED:
            await self._record(order, OrderUpdate(OrderEvent.ACCEPTED, exchange_order_id=exchange_order_id))
        if search.open_since is None:
            search.open_since = self._now()
        elif self._since(search.open_since) >= self._settings.resting_seconds and self._may_cancel(search):
            await self._cancel(order, exchange_order_id, search)

    async def _cancel(self, order: Order, exchange_order_id: str, search: OrderSearch) -> None:
        log.warning("an order is cancelled", symbol=order.symbol, order=order.client_order_id, reason=search.obstacle)
        try:
            await self._venues[order.mode].cancel(order, exchange_order_id)
        except ExchangeRejected as refusal:
            if refusal.code != UNKNOWN_ORDER:
                raise
        search.cancelled_at = self._now()

    def _may_cancel(self, search: OrderSearch) -> bool:
        """Return whether there was no cancel yet, or one that has done nothing for long."""
        return search.cancelled_at is None or self._since(search.cancelled_at) >= CANCELLED_AGAIN_SECONDS

    async def _miss(self, order: Order, search: OrderSearch, ways: Sequence[Way], others: Collection[str]) -> None:
        """The exchange does not show *order*: not yet, or never, which takes time and several looks to decide."""
        times, now = self.times(order), self._now()
        if order.state is OrderState.SENDING and now > times.sent_by:
            why = Refusal(Reason.OUTCOME_UNKNOWN, "its sender is gone")
            doubted = await self._record(order, OrderUpdate(OrderEvent.UNANSWERED, why))
            order = order if doubted is None else doubted
        if order.state is not OrderState.UNKNOWN or now <= times.arrived_by:
            return
        if others and (strange := set(others) - await self._books.known_ids(order)):
            search.unsold_since = None
            search.obstacle = f"there are trades of the symbol that may be of it: {', '.join(sorted(strange)[:3])}"
        elif order.side is Side.SELL and order.mode is Mode.LIVE:
            await self._miss_sale(order, search, ways)
        elif order.mode is Mode.DRY_RUN or (search.is_exhausted(times.arrived_by) and self._is_remembered(order)):
            await self._count_miss(order)

    async def _miss_sale(self, order: Order, search: OrderSearch, ways: Sequence[Way]) -> None:
        """A sale that took place leaves fewer coins, or locks them; where all are there and free, it did not."""
        if order.listing.base_asset in self._settings.other_holdings:
            await self._miss_sale_among_others(order, search)
            return
        explained = await self._books.held_of(order)
        if explained is not None and not explained:
            await self._miss_needless_sale(order, search)
            return
        if Way.BALANCE not in ways and search.unsold_since is None:
            return
        balance = await self._venues[order.mode].balance(order.listing.base_asset)
        if not _is_all_there(explained, balance):
            search.unsold_since = None
            search.obstacle = "its coins are not all there and free, and no trade of it is shown"
        elif search.unsold_since is None:
            search.unsold_since = self._now()
        elif self._is_unsold(order, search):
            await self._give_up(order)

    async def _miss_sale_among_others(self, order: Order, search: OrderSearch) -> None:
        """Coins that are there prove nothing where the account holds others of the kind: it is absent as a purchase is.

        Missing ones prove that it is not.
        """
        asset, search.unsold_since = order.listing.base_asset, None
        search.obstacle = f"{search.obstacle}, and the account holds other {asset}"
        is_exhausted = search.is_exhausted(self.times(order).arrived_by) and self._is_remembered(order)
        if not is_exhausted or await self._books.missed(order) < self._settings.absent_reads:
            return
        explained, balance = await self._books.held_of(order), await self._venues[order.mode].balance(asset)
        if _is_all_there(explained, balance):
            await self._give_up(order)

    async def _miss_needless_sale(self, order: Order, search: OrderSearch) -> None:
        """Nothing is held any more: another sale got rid of all of it, which this one would have left nothing for."""
        search.unsold_since = None
        search.obstacle = "its position has ended, and no trade of it is shown"
        is_exhausted = search.is_exhausted(self.times(order).arrived_by) and self._is_remembered(order)
        if is_exhausted and await self._books.missed(order) >= self._settings.absent_reads:
            await self._give_up(order)

    def _is_unsold(self, order: Order, search: OrderSearch) -> bool:
        is_confirmed = search.unsold_since is not None and self._since(search.unsold_since) >= UNSOLD_SECONDS
        return is_confirmed and search.is_exhausted(self.times(order).arrived_by)

    async def _count_miss(self, order: Order) -> None:
        if order.side is Side.SELL or await self._books.missed(order) >= self._settings.absent_reads:
            await self._give_up(order)

    async def _give_up(self, order: Order) -> None:
        never = Reason.INTERRUPTED if order.mode is Mode.DRY_RUN else Reason.NEVER_ARRIVED
        log.warning("an order never arrived", symbol=order.symbol, order=order.client_order_id)
        given_up_at = None if order.mode is Mode.DRY_RUN else self._now()
        await self._record(order, OrderUpdate(OrderEvent.FOUND_ABSENT, Refusal(never), given_up_at=given_up_at))

    def _is_remembered(self, order: Order) -> bool:
        """Return whether the exchange would still show *order*; where not, only an operator can settle it."""
        return self._now() - order.decided_at < REMEMBERED - timedelta(hours=1)

    async def _record(self, order: Order, update: OrderUpdate) -> Order | None:
        async with self._recording:
            return await self._books.record(order, update)

    def _since(self, moment: datetime) -> float:
        return (self._now() - moment).total_seconds()


def _is_all_there(explained: Decimal | None, balance: Balance | None) -> bool:
    """Return whether the coins that the positions explain are there, and free."""
    if balance is None or explained is None:
        return False
    return not balance.locked and balance.free >= explained * ROUNDING
