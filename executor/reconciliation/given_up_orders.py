"""Given-up orders: look them up again, at growing intervals, since no proof of absence is final."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final

import structlog

from executor.journal.attempt_writer import AttemptWriter
from executor.journal.order_transitions import OrderTransitions
from executor.model import Order, OrderEvent, OrderUpdate, Reason, Refusal
from executor.reconciliation.lookup_outcome import UNKNOWN_ORDER
from executor.sending.order_sender import OrderSender
from executor.venues.venue import AGAIN_AFTER, EVERY_WAY, Absent, Ended, Unclear, Untold, Venue, Working, times_due
from shared.errors import TransientError, pause
from shared.events import Mode
from shared.log_context import of_listing
from shared.mexc.errors import ClockUncertainError, ExchangeError, ExchangeRejected, RateLimited

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 5.0
HINTS_MAX: Final = 100
"""Between two rounds; those beyond wait for their time."""
FAILED_SECONDS: Final = 60.0
"""Before an order whose look-up failed is looked up again."""


class GivenUpOrders:
    """Live only: a dry run leaves nothing at the exchange."""

    def __init__(
        self,
        venues: Mapping[Mode, Venue],
        transitions: OrderTransitions,
        sender: OrderSender,
        *,
        attempts: AttemptWriter,
        now: Callable[[], datetime],
    ) -> None:
        self._venue = venues.get(Mode.LIVE)
        self._transitions = transitions
        self._attempts = attempts
        self._sender = sender
        self._now = now
        self._not_before: dict[str, float] = {}
        self._cancelled: set[str] = set()
        self._hinted: set[str] = set()

    async def run(self, until: asyncio.Event) -> None:
        """Look up due orders every few seconds, until *until* is set."""
        while not until.is_set():
            try:
                await self.look()
            except TransientError as error:
                log.debug("what was given up was not looked for", reason=str(error))
            except Exception:
                # An error of one round must not end the loop.
                log.exception("what was given up was not looked for")
            await pause(EVERY_SECONDS, until)

    def hint(self, sent_as: str) -> None:
        """Look up the order that was sent under this id with the next round, if it was given up."""
        if len(self._hinted) < HINTS_MAX:
            self._hinted.add(sent_as)

    async def look(self) -> None:
        """Look up each order that is due or hinted at, once."""
        now, hinted = self._now(), self._hinted
        self._hinted = set()
        again = hinted | self._not_before.keys()
        await self._look_for(lambda each: each.sent_as in again or times_due(_at(each), now) > each.looked_again)

    async def look_for(self, assets: Collection[str]) -> None:
        """Look up once each given-up order that could explain holdings of *assets*."""
        await self._look_for(lambda each: each.listing.base_asset in assets)

    async def _look_for(self, is_wanted: Callable[[Order], bool]) -> None:
        """Look up whole orders, and earlier attempts of others: either may have got something after all."""
        if self._venue is None:
            return
        with suppress(RateLimited, ClockUncertainError):
            await self._look_for_each(self._transitions, is_wanted)
            await self._look_for_each(self._attempts, is_wanted)

    async def _look_for_each(self, among: OrderTransitions | AttemptWriter, is_wanted: Callable[[Order], bool]) -> None:
        clock = asyncio.get_running_loop().time
        for order in filter(is_wanted, await among.given_up([Mode.LIVE], len(AGAIN_AFTER))):
            if self._sender.banned_seconds() or clock() < self._not_before.get(order.sent_as, 0.0):
                continue
            with of_listing(order.listing):
                try:
                    await self._look_again(order, among)
                    self._not_before.pop(order.sent_as, None)
                except RateLimited:
                    raise
                except ExchangeError as error:  # Also where it does not answer: that may concern this order alone.
                    self._not_before[order.sent_as] = clock() + FAILED_SECONDS
                    log.info("what was given up was not looked for", order=order.sent_as, reason=str(error))
                except TransientError:
                    raise
                except Exception:
                    # An error with one order must not stop the others.
                    self._not_before[order.sent_as] = clock() + FAILED_SECONDS
                    log.exception("what was given up was not looked for", order=order.sent_as)

    async def _look_again(self, order: Order, among: OrderTransitions | AttemptWriter) -> None:
        assert self._venue is not None
        match await self._venue.look_up(order, EVERY_WAY, has_ended=order.sent_as in self._cancelled):
            case Ended(_, None) if among is self._transitions:
                await among.looked_again(order, len(AGAIN_AFTER))  # It ended unfilled.
            case Absent() | Ended(_, None):
                # Of an attempt that another followed this was known before.
                await among.looked_again(order, times_due(_at(order), self._now()))
            case Ended(exchange_order_id, fill, _) | Untold(exchange_order_id, fill, _):
                assert fill is not None
                log.error("an order that was given up appeared", symbol=order.symbol, order=order.sent_as)
                event = OrderEvent.APPEARED_FILLED if fill.complete else OrderEvent.APPEARED_PARTLY_FILLED
                why = Refusal(Reason.APPEARED, f"given up at {_at(order):%Y-%m-%d %H:%M:%S} UTC")
                await among.appeared(order, OrderUpdate(event, why, fill, exchange_order_id, found_at=self._now()))
            case Working(exchange_order_id) | Unclear(exchange_order_id, _, _):
                await self._end(order, exchange_order_id)

    async def _end(self, order: Order, exchange_order_id: str) -> None:
        """Cancel a given-up order that works; the next look-up shows its fill."""
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
