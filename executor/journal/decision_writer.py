"""The journal of decisions: one row per order, committed before anything is sent.

The unique row is the fence against double orders, the conditional update of exposure the one against too many.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, Protocol

from asyncpg import Record, UniqueViolationError

from executor.decisions.limits import LimitUsage
from executor.decisions.strategy import TradeConfig, TradingState, sale_order
from executor.journal import moved_opening_sql, order_transitions, reservation_sql
from executor.journal.order_row import UNSTORABLE, Statement, in_ascii, opening_of, order_of, own_columns, row_of
from executor.model import ExitReason, Order, Position, trade_of
from executor.settings import ExecutorSettings
from shared.errors import TransientError, readable
from shared.events import AppliedConfig, Listing, Mode
from shared.postgres.database import Connection, Database


class OvertakenError(Exception):
    """Another decision, or a change of the limits, was committed between the reading and the writing."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One reading of what a decision depends on. A reservation compares it once more, as it commits."""

    row: Record
    state: TradingState

    @property
    def is_decided(self) -> bool:
        """Whether an order of the listing in this mode stands already."""
        return self.row["standing"] is not None

    @property
    def waits_until(self) -> datetime | None:
        """The opening that the order read as *waiting* waits for."""
        return self.row["waits_until"]  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Reservation:
    """The statement that commits a purchase, and the values of what it writes beside the order."""

    statement: Statement = reservation_sql.RESERVE
    beside: Mapping[str, object] = field(default_factory=dict)

    def of_no_version(self) -> "Reservation":
        """Return the same for a version of the configuration that no row has: it writes nothing, and locks nothing."""
        return replace(self, beside={**self.beside, "version": ""})


ALONE: Final = Reservation()
"""The order and its reservation, and nothing else."""
FIRING: Final = Reservation(reservation_sql.FIRE)


class WayOut(Protocol):
    """The way out of a sale. Neither call waits, or raises."""

    def prepare(self, order: Order, /) -> None:
        """Take *order* while the server is at its commit."""

    def send(self, order: Order, /) -> None:
        """Take *order* once it is committed."""


class _LeftToTheCaller:
    def prepare(self, _: Order, /) -> None: ...

    def send(self, _: Order, /) -> None: ...


LEFT_TO_THE_CALLER: Final[WayOut] = _LeftToTheCaller()


class DecisionWriter:
    """Raises TransientError when the database is away; the call is then repeated."""

    def __init__(
        self,
        database: Database,
        settings: ExecutorSettings,
        *,
        outbox_filled: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self.connection = database.connection
        """A connection on which one decision is read and committed."""
        self._settings = settings
        self._outbox_filled = outbox_filled
        self._now = now

    async def read(
        self, connection: Connection, listing: Listing | None, *, live: bool, waiting: str | None = None
    ) -> Snapshot:
        """Read everything that decides on *listing*, as of one moment; *live* allows orders that cost money.

        Without a *listing* it is what decides on any whose coin is not held. *waiting* is the id of the order that is
        armed for it, where one fires.
        """
        now = self._now()
        values = {
            "listing_key": "" if listing is None else listing.key,
            "base_asset": "" if listing is None else listing.base_asset,
            "live": live,
            "now": now,
            "today": _day(now),
            "waiting": waiting,
        }
        statement = reservation_sql.READ
        row = await connection.fetchrow(statement.sql, *statement.arguments(values))
        if row is None:
            raise TransientError("the exposure is not seeded")
        return Snapshot(row, _trading_state(row))

    async def reserve(
        self, connection: Connection, order: Order, read: Snapshot, reservation: Reservation = ALONE
    ) -> None:
        """Commit *order* by *reservation*; raise OvertakenError where the snapshot *read* holds no more."""
        limits = {
            "version": read.row["version"],
            "max_position_usdt": read.row["max_position_usdt"],
            "orders_per_minute": self._settings.orders_per_minute,
            "orders_per_day": self._settings.orders_per_day,
            "daily_spend_usdt": self._settings.daily_spend_usdt,
            "today": _day(order.decided_at),
        }
        await _write(connection, reservation.statement, {**row_of(order), **limits, **reservation.beside})

    async def add(self, connection: Connection, order: Order, reason: str = "") -> Order:
        """Commit an *order* for which nothing is reserved, with its trade; return it as it is stored."""
        try:
            await _write(connection, reservation_sql.ADD, _added(order, reason))
        except UNSTORABLE:  # The decision counts, however its reason is put.
            reason, words = in_ascii(reason), {"not_tradable_reason": in_ascii(order.listing.not_tradable_reason)}
            order = replace(order, listing=order.listing.model_copy(update=words))
            await _write(connection, reservation_sql.ADD, _added(order, reason))
        self._outbox_filled()
        return order

    async def move(self, listing: Listing) -> bool:
        """Let what waits for *listing* wait for its new opening; return whether anything does, or might have to."""
        if listing.opens_at is None:
            return False
        values, statement = opening_of(listing), moved_opening_sql.MOVE
        async with self.connection() as connection:
            return bool(await connection.fetchval(statement.sql, *statement.arguments(values)))

    async def reopen(self, listing: Listing, *, is_stated: bool, send_until: datetime) -> bool:
        """Let what was refused for its time wait for the opening of *listing*, with its trade; return whether any does.

        *is_stated* is whether that opening is still ahead, by a statement.
        """
        beside = {"is_stated": is_stated, "send_until": send_until, "decided_at": self._now()}
        values, statement = opening_of(listing) | beside, moved_opening_sql.REOPEN
        async with self._database.transaction() as connection:
            rows = await connection.fetch(statement.sql, *statement.arguments(values))
            # An order that cannot be read is an alarm where orders that wait are read.
            await connection.executemany(order_transitions.TELL, readable(rows, _told, failed=lambda *_: None))
        self._outbox_filled()
        return bool(rows)

    async def announced(self, listing: Listing) -> None:
        """Let the trades of *listing* follow its announcement, which was received, where they waited for it."""
        statement = moved_opening_sql.ANNOUNCED
        async with self.connection() as connection:
            await connection.execute(statement.sql, *statement.arguments({"listing_key": listing.key}))
        self._outbox_filled()

    async def sell(
        self,
        position: Position,
        base_qty: Decimal,
        reason: ExitReason,
        *,
        price_min: Decimal | None = None,
        beside: bool = False,
        way_out: WayOut = LEFT_TO_THE_CALLER,
    ) -> Order | None:
        """Commit that *base_qty* of *position* is sold now, for *price_min* a coin at least.

        Returns the order, None where another sells it. *beside* allows it while an earlier sale is in doubt.
        """
        order = replace(sale_order(position, base_qty, reason, self._settings, self._now()), price_min=price_min)
        values, statement = own_columns(order) | {"beside": beside}, reservation_sql.SELL
        async with self.connection() as connection:
            asyncio.get_running_loop().call_soon(way_out.prepare, order)
            with suppress(UniqueViolationError):
                if await connection.fetchval(statement.sql, *statement.arguments(values)):
                    way_out.send(order)
                    await asyncio.sleep(0)  # It leaves in this turn, before the connection goes back to the pool.
                    return order
        return None


async def _write(connection: Connection, statement: Statement, values: Mapping[str, object]) -> None:
    """Commit; raise OvertakenError, with nothing written, when the order stands already or may no longer be."""
    try:
        written = await connection.fetchval(statement.sql, *statement.arguments(values))
    except UniqueViolationError as error:
        raise OvertakenError from error
    if not written:
        raise OvertakenError


def _added(order: Order, reason: str) -> Mapping[str, object]:
    return row_of(order, reason) | {"trade": trade_of(order, reason=reason or None).model_dump_json()}


def _told(row: Record) -> tuple[object]:
    return (trade_of(order_of(row), again=True).model_dump(mode="json"),)


def _trading_state(row: Record) -> TradingState:
    config = None
    if row["version"] is not None:
        config = TradeConfig(AppliedConfig.model_validate(dict(row)), row["halted"])
    usage = LimitUsage(row["committed_usdt"], row["recent_orders"], row["day_orders"], row["day_spent_usdt"])
    return TradingState(config, Mode(row["mode"]), usage, base_held=row["base_held"])


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
