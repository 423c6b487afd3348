"""Fees in neither the coin nor its quote asset, kept with the order that they were taken of."""

from decimal import Decimal
from typing import Final, get_args

from executor.model.fill import Fill
from executor.model.order import Order
from executor.settings import DollarAsset
from shared.postgres.database import Connection

DOLLARS: Final = frozenset(get_args(DollarAsset))
"""Each counts as a dollar here, as everywhere."""
RECORD: Final = """
INSERT INTO other_fees (listing_key, mode, client_order_id, asset, amount, taken_at, price)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""


async def record(connection: Connection, order: Order, fill: Fill) -> None:
    """Keep the fees of *fill* that the order's money does not show, in the caller's transaction."""
    listing = order.listing
    for asset, amount in fill.fees.items():
        if asset in {listing.base_asset, listing.quote_asset} or amount <= 0:
            continue
        price = Decimal(1) if asset in DOLLARS else None
        taken_at = order.answered_at or order.decided_at
        values = (order.listing_key, order.mode, order.sent_as, asset, amount, taken_at, price)
        await connection.execute(RECORD, *values)
