"""Result of a closed position: its sales less its purchase, fees included."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sqlalchemy import and_, bindparam, select

from api.queries import read_connection
from api.schemas import ListingRow, TradeRow
from shared.events import Side, TradeStatus
from shared.postgres.database import Database
from shared.postgres.schema.tables import positions, trades

# The purchase is found by its symbol, which has an index.
_CLOSED: Final = (
    select(positions.c.received_usdt, trades.c.quote_qty)
    .join(trades, and_(trades.c.listing_key == positions.c.listing_key, trades.c.mode == positions.c.mode))
    .where(
        positions.c.listing_key == bindparam("listing_key"),
        positions.c.mode == bindparam("mode"),
        positions.c.state == "closed",
        trades.c.symbol == bindparam("symbol"),
        trades.c.side == Side.BUY,
        trades.c.status == TradeStatus.FILLED,
    )
)


@dataclass(frozen=True, slots=True)
class Result:
    """Result of a closed position, in USDT."""

    cost: Decimal
    received: Decimal

    @property
    def gain(self) -> Decimal:
        return self.received - self.cost

    @property
    def percent(self) -> Decimal:
        return self.gain / self.cost * 100


async def result_of(database: Database, row: ListingRow | TradeRow) -> Result | None:
    """Return the result of the position that the sale *row* closed; None for any other row.

    Raises TransientError when the database is unavailable.
    """
    if isinstance(row, ListingRow) or row.side is not Side.SELL or row.status is not TradeStatus.FILLED:
        return None
    wanted = {"listing_key": row.listing_key, "mode": row.mode, "symbol": row.symbol}
    async with read_connection(database) as connection:
        found = (await connection.execute(_CLOSED, wanted)).first()
    return None if found is None or found.quote_qty <= 0 else Result(found.quote_qty, found.received_usdt)
