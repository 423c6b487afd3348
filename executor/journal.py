"""The journal of orders: one row per listing, mode and side, committed before anything is sent.

The unique row is the fence against double orders, the conditional update of exposure the one against too many.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from asyncpg import Record, UniqueViolationError

from executor import statements
from executor.order import Order, OrderState, rejected
from executor.order_id import client_order_id
from executor.settings import ExecutorSettings
from executor.strategy import Buy, Refuse, TradeConfig, decide
from executor.trade import trade_of
from shared.database import Connection, Database
from shared.errors import TransientError
from shared.events import AppliedConfig, Listing, Mode, Side, Trade

RACES_MAX: Final = 10
_NOTHING: Final = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Opened:
    """What the journal holds for a listing: an order to be placed, or the trade that ended it."""

    entry: Order | Trade
    repeated: bool
    """Decided by an earlier delivery, or by another executor that may still be at it."""
    overdue: bool = False
    """Left open for so long that the moment to place it has passed."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is at stake in one mode."""

    reserved_usdt: Decimal
    filled_usdt: Decimal


class _OvertakenError(Exception):
    """Another decision, or a change of the limits, was committed between our reading and our writing."""


class Journal:
    """Raises TransientError when the database is away; what was called is then simply called again."""

    def __init__(self, database: Database, settings: ExecutorSettings, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._settings = settings
        self._now = now

    async def open(self, listing: Listing, mode: Mode) -> Opened:
        """Decide on *listing* once and for all, and commit that; return what was decided, now or earlier."""
        for _ in range(RACES_MAX):
            with suppress(_OvertakenError):
                async with self._database.connection() as connection:
                    return await self._decide(connection, listing, mode)
        raise TransientError(f"overtaken by other decisions {RACES_MAX} times in a row")

    async def close(self, order: Order, trade: Trade) -> Trade:
        """Record what came of *order* and settle its reservation, once; return the trade that stands."""
        state = OrderState(trade.status)
        spent_usdt = trade.quote_qty if state is OrderState.FILLED else _NOTHING
        async with self._database.connection() as connection:
            closed = await connection.fetchval(
                statements.CLOSE, order.client_order_id, state, trade.model_dump(mode="json"), spent_usdt
            )
            if closed:
                return trade
            return Trade.model_validate(await connection.fetchval(statements.TRADE, order.client_order_id))

    async def exposure(self, mode: Mode) -> Exposure:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(statements.EXPOSURE, mode)
        return Exposure(*_seeded(row, mode))

    async def abandoned(self, mode: Mode, limit: int) -> Sequence[Listing]:
        """Return the listings whose orders were left open for so long that nobody can be at them any more."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(statements.ABANDONED, mode, self._now() - self._patience(), limit)
        return [Listing.model_validate(row["listing"]) for row in rows]

    def _patience(self) -> timedelta:
        """Twice the age at which a listing is still bought: by then its message has expired, and its order ended."""
        return timedelta(seconds=2 * self._settings.listing_age_seconds)

    def _found(self, row: Record, listing: Listing, mode: Mode) -> Opened:
        entry = _recorded(row, listing, mode)
        overdue = isinstance(entry, Order) and self._now() - entry.decided_at > self._patience()
        return Opened(entry, repeated=True, overdue=overdue)

    async def _decide(self, connection: Connection, listing: Listing, mode: Mode) -> Opened:
        row = _seeded(await connection.fetchrow(statements.READ, listing.key, mode, Side.BUY), mode)
        if row["client_order_id"] is not None:
            return self._found(row, listing, mode)
        config, decided_at = _config(row), self._now()
        match decide(listing, config, row["committed_usdt"], self._settings, decided_at):
            case Buy(quote_qty):
                order = _order(listing, mode, quote_qty, config, decided_at)
                limit, described = order.config.max_position_usdt, listing.model_dump(mode="json")
                await _write(connection, statements.RESERVE, order, row["version"], limit, described)
                return Opened(order, repeated=False)
            case Refuse(reason):
                order = _order(listing, mode, _NOTHING, config, decided_at)
                trade = trade_of(listing, order, rejected(reason), None)
                await _write(connection, statements.REFUSE, order, trade.model_dump(mode="json"))
                return Opened(trade, repeated=False)


async def _write(connection: Connection, statement: str, order: Order, *more: object) -> None:
    """Commit *order*; raise _OvertakenError, with nothing written, when it stands already or may no longer be."""
    try:
        written = await connection.fetchval(
            statement,
            order.listing_key,
            order.mode,
            order.side,
            order.symbol,
            order.client_order_id,
            order.quote_qty,
            order.config.model_dump(mode="json"),
            order.decided_at,
            *more,
        )
    except UniqueViolationError as error:
        raise _OvertakenError from error
    if not written:
        raise _OvertakenError


def _order(listing: Listing, mode: Mode, quote_qty: Decimal, config: TradeConfig | None, decided_at: datetime) -> Order:
    return Order(
        listing_key=listing.key,
        mode=mode,
        side=Side.BUY,
        symbol=listing.symbol,
        client_order_id=client_order_id(listing.key, mode, Side.BUY),
        quote_qty=quote_qty,
        config=_no_limits(decided_at) if config is None else config.limits,
        decided_at=decided_at,
    )


def _no_limits(now: datetime) -> AppliedConfig:
    """What applies where nothing was configured: nothing may be spent."""
    return AppliedConfig(max_trade_usdt=_NOTHING, max_position_usdt=_NOTHING, auto_trade=False, updated_at=now)


def _config(row: Record) -> TradeConfig | None:
    return None if row["halted"] is None else TradeConfig(AppliedConfig.model_validate(dict(row)), row["halted"])


def _recorded(row: Record, listing: Listing, mode: Mode) -> Order | Trade:
    if row["trade"] is not None:
        return Trade.model_validate(row["trade"])
    return Order(
        listing_key=listing.key,
        mode=mode,
        side=Side.BUY,
        symbol=row["symbol"],
        client_order_id=row["client_order_id"],
        quote_qty=row["quote_qty"],
        config=AppliedConfig.model_validate(row["config"]),
        decided_at=row["decided_at"],
    )


def _seeded(row: Record | None, mode: Mode) -> Record:
    if row is None:
        raise TransientError(f"the exposure of {mode} is not seeded")
    return row
