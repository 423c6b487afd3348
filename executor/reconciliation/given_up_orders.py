"""Look again for orders that were given up, after longer and longer times: no absence is certain for ever."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, Protocol

import structlog

from executor.journal.attempt_writer import AttemptWriter
from executor.journal.order_transitions import OrderTransitions
from executor.model.fill import Fill
from executor.model.order import Order
from executor.model.order_state import OrderEvent
from executor.model.order_update import OrderUpdate
from executor.model.reasons import Reason, Refusal
from executor.reconciliation.lookup_outcome import UNKNOWN_ORDER
from executor.sending.order_sender import OrderSender
from executor.venues.lookup_schedule import AGAIN_AFTER, EVERY_WAY, times_due
from executor.venues.venue import Absent, Ended, Unclear, Untold, Venue, Working
from shared.backoff import pause
from shared.errors import TransientError
from shared.events import Mode
from shared.log_context import of_listing
from shared.mexc.errors import ExchangeError, ExchangeRejected, RateLimited

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 5.0
REFUSED_SECONDS: Final = 60.0
"""Before an order whose look-up was refused is looked for once more."""


class GivenUp(Protocol):
    """The journal of what was given up: orders, or earlier attempts of them."""

    async def given_up(self, modes: Collection[str], times_max: int) -> Sequence[Order]:
        """Return those that were looked for again fewer times since."""

    async def looked_again(self, order: Order, times: int) -> None:
        """Remember that *order* was looked for so many times since."""

    async def appeared(self, order: Order, update: OrderUpdate) -> object:
        """Count what *order* got after all."""


class GivenUpOrders:
    """Live only: of a dry run nothing is left behind."""

    def __init__(
        self,
        venues: Mapping[Mode, Venue],
        books: OrderTransitions,
        placing: OrderSender,
        *,
        attempts: AttemptWriter,
        now: Callable[[], datetime],
    ) -> None:
        self._venue = venues.get(Mode.LIVE)
        self._books = books
        self._attempts = attempts
        self._placing = placing
        self._now = now
        self._not_before: dict[str, float] = {}
        self._cancelled: set[str] = set()

    async def run(self, until: asyncio.Event) -> None:
        """Look for what is due again and again, until *until* is set."""
        while not until.is_set():
            try:
                await self.look()
            except TransientError as error:
                log.debug("what was given up was not looked for", reason=str(error))
            except Exception:
                # Whatever is wrong with one look, there must be another; and exits go on meanwhile.
                log.exception("what was given up was not looked for")
            await pause(EVERY_SECONDS, until)

    async def look(self) -> None:
        """Look once for each order that is due."""
        now = self._now()
        await self._look_for(lambda each: times_due(_at(each), now) > each.looked_again)

    async def look_for(self, assets: Collection[str]) -> None:
        """Look once for every order that was given up and could explain that *assets* are held."""
        await self._look_for(lambda each: each.listing.base_asset in assets)

    async def _look_for(self, is_wanted: Callable[[Order], bool]) -> None:
        """Look for whole orders, and for earlier attempts of others: what is believed of either may not be so."""
        if self._venue is None:
            return
        with suppress(RateLimited):
            await self._look_for_each(self._books, is_wanted)
            await self._look_for_each(self._attempts, is_wanted)

    async def _look_for_each(self, among: GivenUp, is_wanted: Callable[[Order], bool]) -> None:
        clock = asyncio.get_running_loop().time
        for order in filter(is_wanted, await among.given_up([Mode.LIVE], len(AGAIN_AFTER))):
            if self._placing.banned_seconds() or clock() < self._not_before.get(order.sent_as, 0.0):
                continue
            with of_listing(order.listing):
                try:
                    await self._look_again(order, among)
                except (RateLimited, TransientError):
                    raise
                except ExchangeError as error:
                    self._not_before[order.sent_as] = clock() + REFUSED_SECONDS
                    log.info("what was given up was not looked for", order=order.sent_as, reason=str(error))
                except Exception:
                    # A fault with one order concerns that order.
                    self._not_before[order.sent_as] = clock() + REFUSED_SECONDS
                    log.exception("what was given up was not looked for", order=order.sent_as)

    async def _look_again(self, order: Order, among: GivenUp) -> None:
        assert self._venue is not None
        match await self._venue.look_up(order, EVERY_WAY, has_ended=order.sent_as in self._cancelled):
            case Ended(_, None) if among is self._books:
                await among.looked_again(order, len(AGAIN_AFTER))  # It ended, and got nothing.
            case Absent() | Ended(_, None):
                # Of an attempt that another followed this was believed before.
                await among.looked_again(order, times_due(_at(order), self._now()))
            case Ended(exchange_order_id, fill, _) | Untold(exchange_order_id, fill, _):
                assert fill is not None
                await self._appeared(order, exchange_order_id, fill, among)
            case Working(exchange_order_id) | Unclear(exchange_order_id, _, _):
                await self._end(order, exchange_order_id)

    async def _appeared(self, order: Order, exchange_order_id: str, fill: Fill, among: GivenUp) -> None:
        log.error("an order that was given up appeared", symbol=order.symbol, order=order.sent_as)
        event = OrderEvent.APPEARED_FILLED if fill.complete else OrderEvent.APPEARED_PARTLY_FILLED
        why = Refusal(Reason.APPEARED, f"given up at {_at(order):%Y-%m-%d %H:%M:%S} UTC")
        await among.appeared(order, OrderUpdate(event, why, fill, exchange_order_id))

    async def _end(self, order: Order, exchange_order_id: str) -> None:
        """Cancel what works although it was given up; the next look shows what it got."""
        assert self._venue is not None
        log.error("an order that was given up works and is cancelled", symbol=order.symbol, order=order.sent_as)
        try:
            await self._venue.cancel(order, exchange_order_id)
        except ExchangeRejected as refusal:
            if refusal.code != UNKNOWN_ORDER:
                raise
        self._cancelled.add(order.sent_as)


def _at(order: Order) -> datetime:
    assert order.given_up_at is not None
    return order.given_up_at
