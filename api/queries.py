"""What people ask of the database, in SQLAlchemy Core; read only."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import Select, Table, bindparam, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection

from api.filters import ListingsFilter, PageFilter, TradesFilter
from api.schemas import AlsoSeen, Answer, ListingRow, Page, TradeRow
from shared.database import Database, away_is_transient
from shared.tables import bot_health, listing_observations, listings, trades

READ_SECONDS_MAX: Final = 2.0
"""Giving up on a server that hangs takes the driver another two seconds."""

Row = TypeVar("Row", bound=Answer)


def _newest(table: Table, row: type[Answer]) -> Select[Any]:
    columns = (table.c[name] for name in row.model_fields)
    # Rows of one batch share their time, and pages must not overlap.
    return select(*columns).order_by(table.c.created_at.desc(), table.c.id.desc())


NEWEST_LISTINGS: Final = _newest(listings, ListingRow)
NEWEST_TRADES: Final = _newest(trades, TradeRow)
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
