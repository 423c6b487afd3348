"""Queries of commands, in SQLAlchemy Core; not imported by services, to save its ten megabytes."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, TypeVar

from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection

from api.reading.lists import tables
from api.reading.lists.filters import ListingsFilter, PositionsFilter, TradesFilter
from api.reading.lists.pages import Pages
from api.reading.reader import READ_SECONDS_MAX, Reader
from api.schemas import AlsoSeen, Answer, ListingRow, OrderRow, Page, PositionRow, TradeRow
from shared.postgres.database import Database
from shared.postgres.error_translation import away_is_transient
from shared.postgres.schema.tables import listing_observations, listings, orders
from shared.states import UNSETTLED

Row = TypeVar("Row", bound=Answer)


OPEN_ORDERS: Final = (
    select(*(orders.c[name] for name in OrderRow.model_fields))
    .where(orders.c.state.in_([str(state) for state in UNSETTLED]))
    .order_by(orders.c.created_at)
)
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
    return await Pages(Reader(database)).rows(tables.LISTINGS, ListingRow, wanted)


async def newest_trades(database: Database, wanted: TradesFilter) -> Page[TradeRow]:
    """Return one page of trades, newest first."""
    return await Pages(Reader(database)).rows(tables.TRADES, TradeRow, wanted)


async def newest_positions(database: Database, wanted: PositionsFilter) -> Page[PositionRow]:
    """Return one page of positions, newest first."""
    return await Pages(Reader(database)).rows(tables.POSITIONS, PositionRow, wanted)


async def open_orders(database: Database) -> list[OrderRow]:
    """Return every armed order, and every one that is or may be at the exchange, oldest first."""
    async with read_connection(database) as connection:
        return [OrderRow.model_validate(each) for each in await connection.execute(OPEN_ORDERS)]


async def listings_by_source(database: Database) -> dict[str, int]:
    """Return the number of listings by source in the last 24 hours."""
    async with read_connection(database) as connection:
        counts = await connection.execute(LISTINGS_BY_SOURCE)
        return {str(source): int(count) for source, count in counts}


async def also_seen(database: Database, listing_keys: Collection[str]) -> list[AlsoSeen]:
    """Return the lag of each source behind the sighting that became each of these listings, smallest first."""
    async with read_connection(database) as connection:
        found = await connection.execute(FIRST_OF_EACH_SOURCE, {"keys": list(listing_keys)})
        return [AlsoSeen.model_validate(row) for row in found]


@asynccontextmanager
async def read_connection(database: Database) -> AsyncIterator[AsyncConnection]:
    """Open a connection for a few statements; raise TransientError if the server is unavailable or too slow."""
    with away_is_transient():
        try:
            async with asyncio.timeout(READ_SECONDS_MAX), database.engine.connect() as connection:
                # Single statements need no transaction, nor its round trips.
                yield await connection.execution_options(isolation_level="AUTOCOMMIT")
        except PoolTimeoutError as error:
            raise TimeoutError("every connection is in use") from error
        except DBAPIError as error:
            # SQLAlchemy wraps the driver's error twice; chained to them it would be its own cause.
            driver = error.orig.__cause__ if error.orig is not None else None
            raise driver or error from None
