"""What can be asked over HTTP. Nothing here writes."""

from typing import Annotated

from fastapi import Depends, Query, Request

from api import health, queries, trade_config
from api.filters import ListingsFilter, OrdersFilter, PositionsFilter, TradesFilter
from api.schemas import HealthReport, ListingRow, OrderRow, Page, PositionRow, TradeConfig, TradeRow
from shared.database import Database
from shared.events import utc_now


async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


Asked = Annotated[Database, Depends(_database)]


async def get_health(database: Asked) -> HealthReport:
    """Tell how every component is doing, and all of them together."""
    return health.report(await queries.components(database), now=utc_now())


async def get_listings(database: Asked, wanted: Annotated[ListingsFilter, Query()]) -> Page[ListingRow]:
    """List listings, newest first."""
    return await queries.newest_listings(database, wanted)


async def get_trades(database: Asked, wanted: Annotated[TradesFilter, Query()]) -> Page[TradeRow]:
    """List trades, newest first."""
    return await queries.newest_trades(database, wanted)


async def get_orders(database: Asked, wanted: Annotated[OrdersFilter, Query()]) -> Page[OrderRow]:
    """List orders, newest first."""
    return await queries.newest_orders(database, wanted)


async def get_positions(database: Asked, wanted: Annotated[PositionsFilter, Query()]) -> Page[PositionRow]:
    """List positions, newest first."""
    return await queries.newest_positions(database, wanted)


async def get_config(database: Asked) -> TradeConfig:
    """Show the limits that trading keeps, and every halt in force."""
    return await trade_config.read(database)
