"""Decide on purchases, have each decision committed by the journal, and hand purchases to the sender."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from executor.decisions.freshness import age_if_too_old, is_stated_ahead
from executor.decisions.strategy import (
    NOTHING,
    Buy,
    TradingState,
    Unready,
    WaitForOpening,
    decide,
    decide_at_opening,
    is_timely,
    may_trade_live,
    purchase_order,
    send_until,
    sending_time,
)
from executor.journal.decision_writer import ALONE, FIRING, DecisionWriter, OvertakenError, Reservation, Snapshot
from executor.model import Decided, Order, OrderState, Outcome, Reason, Refusal
from executor.sending.purchase_sender import NoWayOut, PurchaseSender
from executor.settings import ExecutorSettings
from shared.errors import TransientError
from shared.events import Listing, Mode, Source
from shared.postgres.database import Connection

RACES_MAX: Final = 10

Foreseen = Order | WaitForOpening | Refusal | None
"""The decision on a listing by an earlier reading: the order that buys it, or why there is none; None: no reading."""
OF_THIS_PROCESS: Final = frozenset({Reason.UNRECONCILED, Reason.CLOCK_UNCERTAIN})
"""Refusals that hold for this process, and for no other."""


class PurchaseDecisions:
    """Decides once on each listing, however often it is delivered; raises TransientError when the database is away."""

    def __init__(
        self,
        journal: DecisionWriter,
        settings: ExecutorSettings,
        *,
        live: bool,
        unready: Unready,
        now: Callable[[], datetime],
    ) -> None:
        self._journal = journal
        self._settings = settings
        self._live = live
        self._unready = unready
        self._now = now
        self._under_way = 0
        self.last: Snapshot | None = None
        """The last reading, as for a listing whose coin is not held."""

    def is_deciding(self) -> bool:
        """Return whether a decision is under way; a rehearsed one is none."""
        return self._under_way > 0

    async def open(self, listing: Listing, sender: PurchaseSender) -> Decided:
        """Decide on *listing* once and for all, and commit that; *sender* gets a purchase once it is committed."""
        self._under_way += 1
        try:
            for _ in range(RACES_MAX):
                with suppress(OvertakenError):
                    async with self._journal.connection() as connection:
                        return await self._open(connection, listing, sender)
            raise _overtaken()
        finally:
            self._under_way -= 1

    async def open_at_once(self, listing: Listing, sender: PurchaseSender, reservation: Reservation) -> Foreseen:
        """Commit the purchase of *listing* by *reservation* where the last reading is for it, and return the order.

        Otherwise return what that decides, None where there is none: nothing is written. One round trip; raises
        OvertakenError, with nothing written, where the reading holds no more or *reservation* cannot be made.
        """
        self._under_way += 1
        try:
            return await self._open_at_once(listing, sender, reservation)
        finally:
            self._under_way -= 1

    async def rehearse(self, listing: Listing, sender: PurchaseSender, reservation: Reservation) -> None:
        """Go the way of `open_at_once` with a *listing* that there is none of, as far as the answer of the database.

        No version of the configuration has the name that it is committed for: nothing is written, nor locked.
        """
        with suppress(OvertakenError):
            await self._open_at_once(listing, NoWayOut(sender.rehearse), reservation.of_no_version())

    async def _open_at_once(self, listing: Listing, sender: PurchaseSender, reservation: Reservation) -> Foreseen:
        foreseen, last = self._foreseen(listing), self.last
        if isinstance(foreseen, Order) and last is not None:
            async with self._journal.connection() as connection:
                await self._buy(connection, foreseen, last, sender, reservation)
        return foreseen

    async def read_ahead(self) -> None:
        """Make the last reading that of now, so that the next listing need not wait for one."""
        async with self._journal.connection() as connection:
            self.last = _of_any_coin(await self._journal.read(connection, None, live=self._live))

    async def announced(self, listing: Listing) -> None:
        """Let the trades of a *listing* that was bought before its announcement follow that."""
        await self._journal.announced(listing)

    async def move(self, listing: Listing) -> bool:
        """Let what waits for *listing* wait for its new opening; return whether anything does, or might have to."""
        return await self._journal.move(listing)

    async def reopen(self, word: Listing) -> bool:
        """Let what was refused for its time wait for the opening of *word* where that fits; return whether any does."""
        now = self._now()
        if word.opens_at is None or not is_timely(word, self._settings, now):
            return False
        until = word.opens_at + sending_time(self._settings)
        stated = is_stated_ahead(word, self._settings, now)
        return await self._journal.reopen(word, is_stated=stated, send_until=until)

    async def fire(self, order: Order) -> Decided:
        """Decide on an armed *order* whose moment has come, and commit that; sending it at its moment is the caller's.

        Where trading was switched between dry-run and live since, the order that comes back is of the other mode, and
        the armed one is left to the caller to end.
        """
        for _ in range(RACES_MAX):
            with suppress(OvertakenError):
                async with self._journal.connection() as connection:
                    return await self._fire(connection, order)
        raise _overtaken()

    def is_left_to_others(self, waiting: Order, decided: Decided, *, knows_time: bool) -> bool:
        """Return whether what was *decided* on a *waiting* order says nothing of how another executor would decide.

        This one cannot send it now, or not in its mode, or finds it too old by a clock that may be wrong. It comes back
        to the order until the listing is too old.
        """
        reason = None if decided.why is None else decided.why.reason
        if reason in OF_THIS_PROCESS or (reason is Reason.OPENING_PASSED and not knows_time):
            return True
        is_foreign = waiting.mode is Mode.LIVE and not self._live
        is_too_old = age_if_too_old(waiting.listing, self._settings, self._now()) is not None
        return is_foreign and not (knows_time and is_too_old)

    async def _open(self, connection: Connection, listing: Listing, sender: PurchaseSender) -> Decided:
        foreseen, last = self._foreseen(listing), self.last
        if isinstance(foreseen, Order) and last is not None:
            # However old that reading is: the reservation compares all of it once more, as it commits.
            with suppress(OvertakenError):
                return await self._buy(connection, foreseen, last, sender)
            self.last = None
        read = await self._journal.read(connection, listing, live=self._may_be_live(listing))
        now, state = self._now(), read.state  # A database that was slow to answer makes the listing older.
        self.last = _of_any_coin(read)
        if read.is_decided:
            return Decided(Outcome.REPEATED)
        match decide(listing, state, self._unready(), self._settings, now):
            case Buy(quote_qty):
                return await self._buy(
                    connection, purchase_order(listing, state, quote_qty, self._settings, now), read, sender
                )
            case WaitForOpening(fire_at):
                order = self._unreserved(listing, state, now)
                until = (fire_at or order.decided_at) + sending_time(self._settings)
                order = replace(order, state=OrderState.ARMED, fire_at=fire_at, send_until=until)
                return Decided(Outcome.ARMED, await self._journal.add(connection, order))
            case Refusal() as why:
                order = replace(self._unreserved(listing, state, now), state=OrderState.REJECTED)
                await self._journal.add(connection, order, str(why))
                return Decided(Outcome.DENIED, why=why)

    def _foreseen(self, listing: Listing) -> Foreseen:
        """Return the decision on *listing* by the last reading; None where there is none for its mode."""
        last, now = self.last, self._now()
        if last is None or last.state.config is None:
            return None
        is_live = self._may_be_live(listing) and may_trade_live(last.state.config.limits, now)
        if last.state.mode is not (Mode.LIVE if is_live else Mode.DRY_RUN):
            return None
        decision = decide(listing, last.state, self._unready(), self._settings, now)
        if not isinstance(decision, Buy):
            return decision
        return purchase_order(listing, last.state, decision.quote_qty, self._settings, now)

    async def _buy(
        self,
        connection: Connection,
        order: Order,
        read: Snapshot,
        sender: PurchaseSender,
        reservation: Reservation = ALONE,
    ) -> Decided:
        """Commit *order* while its request is made, and have it sent before the connection goes back to the pool."""
        # In the turn of the loop after the statement was sent, while the server is at it.
        preparing = asyncio.get_running_loop().call_soon(sender.prepare, order)
        try:
            await self._journal.reserve(connection, order, read, reservation)
        except BaseException:
            preparing.cancel()
            sender.forget(order)
            raise
        sender.send(order)
        await asyncio.sleep(0)  # The order leaves in this turn, ahead of everything that follows from its decision.
        return Decided(Outcome.BUY, order)

    async def _fire(self, connection: Connection, waiting: Order) -> Decided:
        listing, live = waiting.listing, self._may_be_live(waiting.listing)
        read = await self._journal.read(connection, listing, live=live, waiting=waiting.client_order_id)
        now, state = self._now(), read.state
        is_switched = state.mode is not waiting.mode
        if waiting.fire_at is None or read.waits_until != waiting.fire_at:
            return Decided(Outcome.REPEATED)
        if is_switched and read.is_decided:
            # The executor that decided in the other mode may have died before it ended this one.
            return Decided(Outcome.SWITCHED)
        decision = decide_at_opening(listing, state, self._unready(), self._settings, now)
        if isinstance(decision, Refusal):
            return Decided(Outcome.DENIED, why=decision)
        order = replace(
            purchase_order(listing, state, decision.quote_qty, self._settings, now),
            fire_at=waiting.fire_at,
            send_until=send_until(listing, max(now, waiting.fire_at), self._settings),
        )
        await self._journal.reserve(connection, order, read, ALONE if is_switched else FIRING)
        return Decided(Outcome.BUY, order)

    def _unreserved(self, listing: Listing, state: TradingState, now: datetime) -> Order:
        return purchase_order(listing, state, NOTHING, self._settings, now)

    def _may_be_live(self, listing: Listing) -> bool:
        return self._live and listing.source is not Source.TEST_INJECTION


def _of_any_coin(read: Snapshot) -> Snapshot:
    """Return *read* as for a listing whose coin is not held, which its reservation compares."""
    return replace(read, state=replace(read.state, base_held=False))


def _overtaken() -> TransientError:
    return TransientError(f"overtaken by other decisions {RACES_MAX} times in a row")
