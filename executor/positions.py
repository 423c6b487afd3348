"""The positions that are held: read, and their highest price kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from executor.position import Position
from executor.position_row import position_of
from shared.database import Database

# What an operator asked for counts until the position is closed.
HELD: Final = """
SELECT positions.*, EXISTS (
    SELECT FROM close_requests
    WHERE close_requests.listing_key = positions.listing_key AND close_requests.mode = positions.mode
) AS close_requested
FROM positions WHERE state IN ('open', 'closing') ORDER BY opened_at
"""
PEAK: Final = """
UPDATE positions SET peak_price = $3, updated_at = now()
WHERE listing_key = $1 AND mode = $2 AND peak_price < $3
"""
# Null where an order may have bought more that nobody has read yet.
HELD_LIVE: Final = """
SELECT base_asset, CASE WHEN bool_and(base_qty IS NOT NULL) THEN sum(base_qty) END AS held
FROM (
    SELECT base_asset, base_qty FROM positions WHERE mode = 'live' AND state IN ('open', 'closing', 'dust')
    UNION ALL
    SELECT base_asset, NULL FROM orders
    WHERE mode = 'live' AND side = 'BUY' AND state IN ('sending', 'acknowledged', 'unknown')
) AS holdings
GROUP BY base_asset
"""


@dataclass(frozen=True, slots=True)
class Held:
    """One position, and whether an operator wants it closed."""

    position: Position
    close_requested: bool


async def held(database: Database) -> Sequence[Held]:
    """Return all positions that are not closed, oldest first."""
    async with database.connection() as connection:
        rows = await connection.fetch(HELD)
    return [Held(position_of(row), row["close_requested"]) for row in rows]


async def raise_peak(database: Database, position: Position, price: Decimal) -> None:
    """Remember *price* as the highest since the purchase, if it is."""
    async with database.connection() as connection:
        await connection.execute(PEAK, position.listing.key, position.mode, price)


async def held_live(database: Database) -> Mapping[str, Decimal | None]:
    """Return how much of each asset the live positions explain; None where an unsettled order may explain any."""
    async with database.connection() as connection:
        return {row["base_asset"]: row["held"] for row in await connection.fetch(HELD_LIVE)}
