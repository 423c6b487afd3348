"""The journal of decisions: one row per order, committed before anything is sent.

The unique row is the fence against double orders, the conditional update of exposure the one against too many.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from asyncpg import Record, UniqueViolationError

from executor.decisions.limits import Committed
from executor.decisions.order_drafts import NOTHING, purchase, sale, send_until, sending_time
from executor.decisions.strategy import Arm, Buy, Standing, TradeConfig, decide, decide_firing
from executor.journal import decision_sql
from executor.journal.dispatch import NOBODY, Dispatch
from executor.journal.named_sql import Statement
from executor.journal.order_row import opening_of, row_of
from executor.journal.storable_text import UNSTORABLE, in_ascii
from executor.model.order import ExitReason, Order
from executor.model.order_state import OrderState
from executor.model.position import Position
from executor.model.reasons import Refusal, worded
from executor.model.trade_event import trade_of
from executor.settings import ExecutorSettings
from shared.errors import TransientError
from shared.events import AppliedConfig, Listing, Mode, Source
from shared.postgres.database import Connection, Database

RACES_MAX: Final = 10

Unready = Callable[[], Refusal | None]
"""Says why no live order could be sent now."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What stands in the journal for a listing, now or since an earlier delivery."""

    order: Order | None
    """To be sent, unless a `Dispatch` does; or armed, to be waited for. None where there is nothing to do, or another
    does it."""
    outcome: str
    """buy, armed, refused, repeated, or switched where the order of the other mode stands already."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A row that was read, and what it means for a listing whose coin is not held."""

    row: Record
    standing: Standing


class _OvertakenError(Exception):
    """Another decision, or a change of the limits, was committed between our reading and our writing."""


class DecisionWriter:
    """Raises TransientError when the database is away; what was called is then simply called again."""

    def __init__(
        self,
        database: Database,
        settings: ExecutorSettings,
        *,
        live: bool,
        unready: Unready,
        told: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._settings = settings
        self._live = live
        self._unready = unready
        self._told = told
        self._now = now
        self._read_last: _Reading | None = None

    async def open(self, listing: Listing, dispatch: Dispatch = NOBODY) -> Decided:
        """Decide on *listing* once and for all, and commit that; return what to do about it.

        A purchase is handed to *dispatch* the moment it is committed; without one it is left to the caller.
        """
        return await self._undisturbed(lambda connection: self._open(connection, listing, dispatch))

    async def fire(self, order: Order) -> Decided:
        """Decide on an armed *order* whose moment has come, and commit that.

        Where trading was switched between dry-run and live since, the order that comes back is of the other mode, and
        the armed one is left to the caller to end.
        """
        return await self._undisturbed(lambda connection: self._fire(connection, order))

    async def move(self, listing: Listing) -> bool:
        """Let what waits for *listing* wait for its new opening; return whether anything does, or might have to."""
        if listing.opens_at is None:
            return False
        async with self._database.connection() as connection:
            return bool(await _run(connection, decision_sql.MOVE, opening_of(listing)))

    async def sell(
        self,
        position: Position,
        base_qty: Decimal,
        reason: ExitReason,
        *,
        price_min: Decimal | None = None,
        beside: bool = False,
    ) -> Order | None:
        """Commit that *base_qty* of *position* is sold now, for *price_min* a coin at least.

        Returns the order to send, None where another does it. *beside* allows it while an earlier sale is in doubt.
        """
        order = replace(sale(position, base_qty, reason, self._settings, self._now()), price_min=price_min)
        async with self._database.connection() as connection:
            with suppress(UniqueViolationError):
                values = row_of(order) | {"beside": beside}
                return order if await _run(connection, decision_sql.SELL, values) else None
        return None

    async def _undisturbed(self, decide_once: Callable[[Connection], Awaitable[Decided]]) -> Decided:
        for _ in range(RACES_MAX):
            with suppress(_OvertakenError):
                async with self._database.connection() as connection:
                    return await decide_once(connection)
        raise TransientError(f"overtaken by other decisions {RACES_MAX} times in a row")

    async def _open(self, connection: Connection, listing: Listing, dispatch: Dispatch) -> Decided:
        decided = await self._by_what_was_read_last(connection, listing, dispatch)
        if decided is not None:
            return decided
        row = await self._read(connection, listing)
        now = self._now()  # A database that was slow to answer makes the listing older.
        standing = _standing(row)
        self._read_last = _Reading(row, replace(standing, base_held=False))
        if row["standing"] is not None:
            return Decided(None, "repeated")
        decision = decide(listing, standing, self._unready(), self._settings, now)
        match decision:
            case Buy(quote_qty):
                order = purchase(listing, standing, quote_qty, self._settings, now)
                return await self._purchase(connection, order, row, dispatch)
            case Arm(fire_at):
                order = replace(
                    purchase(listing, standing, NOTHING, self._settings, now),
                    state=OrderState.ARMED,
                    fire_at=fire_at,
                    send_until=(fire_at or now) + sending_time(self._settings),
                )
                return await self._add(connection, order, "armed", "")
            case Refusal(reason, detail):
                order = replace(purchase(listing, standing, NOTHING, self._settings, now), state=OrderState.REJECTED)
                return await self._add(connection, order, "refused", worded(reason, detail))

    async def _by_what_was_read_last(
        self, connection: Connection, listing: Listing, dispatch: Dispatch
    ) -> Decided | None:
        """Buy without reading anew; return None where that cannot be decided, or nothing was committed.

        However old what was read is: the reservation compares all of it once more, in the transaction that commits it.
        """
        last, now = self._read_last, self._now()
        if last is None or last.standing.config is None or last.standing.mode is not self._mode_of(listing, last.row):
            return None
        decision = decide(listing, last.standing, self._unready(), self._settings, now)
        if not isinstance(decision, Buy):
            return None
        try:
            order = purchase(listing, last.standing, decision.quote_qty, self._settings, now)
            return await self._purchase(connection, order, last.row, dispatch)
        except _OvertakenError:
            self._read_last = None
            return None

    def _mode_of(self, listing: Listing, row: Record) -> Mode:
        until = row["auto_trade_until"]
        is_armed = row["auto_trade"] and (until is None or self._now() < until)
        is_live = self._live and is_armed and listing.source is not Source.TEST_INJECTION
        return Mode.LIVE if is_live else Mode.DRY_RUN

    async def _fire(self, connection: Connection, waiting: Order) -> Decided:
        row = await self._read(connection, waiting.listing, waiting.client_order_id)
        now = self._now()
        standing = _standing(row)
        switched = standing.mode is not waiting.mode
        if waiting.fire_at is None or row["waits_until"] != waiting.fire_at:
            return Decided(None, "repeated")
        if switched and row["standing"] is not None:
            # Whoever decided in the other mode may have died before it ended this one.
            return Decided(None, "switched")
        decision = decide_firing(waiting.listing, standing, self._unready(), self._settings, now)
        match decision:
            case Buy(quote_qty):
                order = replace(
                    purchase(waiting.listing, standing, quote_qty, self._settings, now),
                    fire_at=waiting.fire_at,
                    send_until=send_until(waiting.listing, max(now, waiting.fire_at), self._settings),
                )
                statement = decision_sql.RESERVE if switched else decision_sql.FIRE
                return await self._reserve(connection, statement, order, row)
            case Refusal(reason, detail):
                return Decided(None, "refused", worded(reason, detail))

    async def _read(self, connection: Connection, listing: Listing, waiting: str | None = None) -> Record:
        now = self._now()
        values = {
            "listing_key": listing.key,
            "base_asset": listing.base_asset,
            "live": self._live and listing.source is not Source.TEST_INJECTION,
            "now": now,
            "today": _day(now),
            "waiting": waiting,
        }
        statement = decision_sql.READ
        row = await connection.fetchrow(statement.sql, *statement.arguments(values))
        if row is None:
            raise TransientError("the exposure is not seeded")
        return row

    async def _purchase(self, connection: Connection, order: Order, row: Record, dispatch: Dispatch) -> Decided:
        # In the turn of the loop after the statement was sent, while the server is at it.
        asyncio.get_running_loop().call_soon(dispatch.prepare, order)
        decided = await self._reserve(connection, decision_sql.RESERVE, order, row)
        dispatch.send(order)
        await asyncio.sleep(0)  # The order leaves in this turn, ahead of everything that follows from its decision.
        return decided

    async def _reserve(self, connection: Connection, statement: Statement, order: Order, row: Record) -> Decided:
        limits = {
            "version": row["version"],
            "max_position_usdt": row["max_position_usdt"],
            "orders_per_minute": self._settings.orders_per_minute,
            "orders_per_day": self._settings.orders_per_day,
            "daily_spend_usdt": self._settings.daily_spend_usdt,
            "today": _day(order.decided_at),
        }
        await _write(connection, statement, row_of(order) | limits)
        return Decided(order, "buy")

    async def _add(self, connection: Connection, order: Order, outcome: str, reason: str) -> Decided:
        try:
            await _write(connection, decision_sql.ADD, _added(order, reason))
        except UNSTORABLE:  # The decision counts, however its reason is put.
            reason, words = in_ascii(reason), {"not_tradable_reason": in_ascii(order.listing.not_tradable_reason)}
            order = replace(order, listing=order.listing.model_copy(update=words))
            await _write(connection, decision_sql.ADD, _added(order, reason))
        self._told()
        return Decided(order if outcome == "armed" else None, outcome, reason)


async def _run(connection: Connection, statement: Statement, values: Mapping[str, object]) -> object:
    return await connection.fetchval(statement.sql, *statement.arguments(values))


async def _write(connection: Connection, statement: Statement, values: Mapping[str, object]) -> None:
    """Commit; raise _OvertakenError, with nothing written, when the order stands already or may no longer be."""
    try:
        written = await _run(connection, statement, values)
    except UniqueViolationError as error:
        raise _OvertakenError from error
    if not written:
        raise _OvertakenError


def _added(order: Order, reason: str) -> Mapping[str, object]:
    return row_of(order, reason) | {"trade": trade_of(order, reason=reason or None).model_dump_json()}


def _standing(row: Record) -> Standing:
    config = None
    if row["version"] is not None:
        config = TradeConfig(AppliedConfig.model_validate(dict(row)), row["halted"])
    committed = Committed(row["committed_usdt"], row["recent_orders"], row["day_orders"], row["day_spent_usdt"])
    return Standing(config, Mode(row["mode"]), committed, base_held=row["base_held"])


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
