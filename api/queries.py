"""What people ask of the database, in SQLAlchemy Core; read only."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import Date, Select, Table, and_, bindparam, case, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection

from api.filters import ListingsFilter, OrdersFilter, PageFilter, PositionsFilter, TradesFilter
from api.schemas import AlsoSeen, Answer, ExposureRow, ListingRow, OrderRow, Page, PositionRow, TradeRow
from shared.database import Database, away_is_transient
from shared.tables import (
    bot_health,
    close_requests,
    exposure,
    listing_observations,
    listings,
    orders,
    positions,
    trades,
)

READ_SECONDS_MAX: Final = 2.0
"""Giving up on a server that hangs takes the driver another two seconds."""

Row = TypeVar("Row", bound=Answer)


def _columns(table: Table, row: type[Answer]) -> Select[Any]:
    return select(*(table.c[name] for name in row.model_fields))


def _newest(table: Table, row: type[Answer]) -> Select[Any]:
    # Rows of one batch share their time, and pages must not overlap.
    return _columns(table, row).order_by(table.c.created_at.desc(), table.c.id.desc())


NEWEST_LISTINGS: Final = _newest(listings, ListingRow)
NEWEST_TRADES: Final = _newest(trades, TradeRow)
# Written one by one, so that their numbers are in the order of time.
NEWEST_ORDERS: Final = _columns(orders, OrderRow).order_by(orders.c.id.desc())
_POSITIONS: Final = select(
    *(positions.c[name] for name in PositionRow.model_fields if name != "close_requested_at"),
    close_requests.c.created_at.label("close_requested_at"),
).outerjoin(
    close_requests,
    and_(close_requests.c.listing_key == positions.c.listing_key, close_requests.c.mode == positions.c.mode),
)
NEWEST_POSITIONS: Final = _POSITIONS.order_by(positions.c.id.desc())
OPEN_ORDERS: Final = (
    _columns(orders, OrderRow)
    .where(orders.c.state.in_(("armed", "sending", "acknowledged", "unknown")))
    .order_by(orders.c.created_at)
)
HELD_POSITIONS: Final = _POSITIONS.where(positions.c.state.in_(("open", "closing"))).order_by(
    positions.c.opened_at, positions.c.id
)
_IS_OF_TODAY: Final = exposure.c.day == func.timezone("UTC", func.now()).cast(Date)
EXPOSURE: Final = select(
    exposure.c.mode,
    exposure.c.reserved_usdt,
    exposure.c.filled_usdt,
    case((_IS_OF_TODAY, exposure.c.day_orders), else_=0).label("orders_today"),
    case((_IS_OF_TODAY, exposure.c.day_spent_usdt), else_=text("0.00")).label("spent_today_usdt"),
    exposure.c.failures,
).order_by(exposure.c.mode)
COMPONENTS: Final = select(bot_health).order_by(bot_health.c.component_name)
LISTINGS_BY_SOURCE: Final = (
    select(listings.c.source, func.count())
    .where(listings.c.created_at > func.now() - timedelta(hours=24))
    .group_by(listings.c.source)
    .order_by(listings.c.source)
)
FIRST_OF_EACH_SOURCE: Final = (
    select(
        listing_observations.c.listing_key,
        listing_observations.c.source,
        func.min(listing_observations.c.lag_ms).label("lag_ms"),
    )
    .where(listing_observations.c.listing_key.in_(bindparam("keys", expanding=True)))
    .group_by(listing_observations.c.listing_key, listing_observations.c.source)
    .order_by("lag_ms")
)


async def newest_listings(database: Database, wanted: ListingsFilter) -> Page[ListingRow]:
    """Return one page of listings, newest first."""
    return await _page(database, NEWEST_LISTINGS, ListingRow, wanted)


async def newest_trades(database: Database, wanted: TradesFilter) -> Page[TradeRow]:
    """Return one page of trades, newest first."""
    return await _page(database, NEWEST_TRADES, TradeRow, wanted)


async def newest_orders(database: Database, wanted: OrdersFilter) -> Page[OrderRow]:
    """Return one page of orders, newest first."""
    return await _page(database, NEWEST_ORDERS, OrderRow, wanted)


async def newest_positions(database: Database, wanted: PositionsFilter) -> Page[PositionRow]:
    """Return one page of positions, newest first."""
    return await _page(database, NEWEST_POSITIONS, PositionRow, wanted)


async def open_orders(database: Database) -> list[OrderRow]:
    """Return every order that waits, is at the exchange or may be, oldest first."""
    return await _all(database, OPEN_ORDERS, OrderRow)


async def held_positions(database: Database) -> list[PositionRow]:
    """Return every position that is not sold, oldest first; no dust."""
    return await _all(database, HELD_POSITIONS, PositionRow)


async def at_stake(database: Database) -> list[ExposureRow]:
    """Return what is at stake in each mode."""
    return await _all(database, EXPOSURE, ExposureRow)


async def components(database: Database) -> list[Mapping[str, Any]]:
    """Return the rows of bot_health as they were written, by name."""
    async with reading(database) as connection:
        return [dict(row) for row in (await connection.execute(COMPONENTS)).mappings()]


async def listings_by_source(database: Database) -> dict[str, int]:
    """Return how many listings each source brought in the last 24 hours."""
    async with reading(database) as connection:
        counts = await connection.execute(LISTINGS_BY_SOURCE)
        return {str(source): int(count) for source, count in counts}


async def also_seen(database: Database, listing_keys: Collection[str]) -> list[AlsoSeen]:
    """Return by how much each source was behind the sighting that became each of these listings, closest first."""
    async with reading(database) as connection:
        found = await connection.execute(FIRST_OF_EACH_SOURCE, {"keys": list(listing_keys)})
        return [AlsoSeen.model_validate(row) for row in found]


async def _all(database: Database, statement: Select[Any], row: type[Row]) -> list[Row]:
    async with reading(database) as connection:
        return [row.model_validate(each) for each in await connection.execute(statement)]


async def _page(database: Database, newest: Select[Any], row: type[Row], wanted: PageFilter) -> Page[Row]:
    async with reading(database) as connection:
        found = (await connection.execute(page_statement(newest, wanted))).all()
    items = [row.model_validate(each) for each in found[: wanted.limit]]
    return Page(
        items=items,
        limit=wanted.limit,
        offset=wanted.offset,
        count=len(items),
        has_more=len(found) > wanted.limit,
    )


def page_statement(newest: Select[Any], wanted: PageFilter) -> Select[Any]:
    """Return *newest* narrowed to what is wanted, and one row more that tells whether there are others."""
    conditions = (newest.selected_columns[name] == value for name, value in wanted.columns().items())
    return newest.where(*conditions).limit(wanted.limit + 1).offset(wanted.offset)


@asynccontextmanager
async def reading(database: Database) -> AsyncIterator[AsyncConnection]:
    """Lend a connection for a few statements; raise TransientError when the server is away or too slow."""
    with away_is_transient():
        try:
            async with asyncio.timeout(READ_SECONDS_MAX), database.engine.connect() as connection:
                # Single statements need no transaction around them, nor the round trips that it costs.
                yield await connection.execution_options(isolation_level="AUTOCOMMIT")
        except PoolTimeoutError as error:
            raise TimeoutError("every connection is in use") from error
        except DBAPIError as error:
            # Below two layers of SQLAlchemy is what the driver said; chained to them it would be its own cause.
            driver = error.orig.__cause__ if error.orig is not None else None
            raise driver or error from None
