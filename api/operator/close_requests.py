"""Requests of operators to sell positions, for the executor; the only writer of close_requests."""

from collections.abc import Sequence
from typing import Final

from api.operator import actions
from api.operator.held_positions import name_of
from api.reading import health
from api.schemas import PositionRow, TradeConfig
from shared.control.config_store import Author
from shared.postgres.database import Connection, Database

REQUEST: Final = """
    INSERT INTO close_requests (listing_key, mode, requested_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
REQUEST_ALL: Final = """
    WITH held AS (
        SELECT listing_key, mode, opened_at FROM positions WHERE state IN ('open', 'closing')
    ), requested AS (
        INSERT INTO close_requests (listing_key, mode, requested_by)
        SELECT listing_key, mode, $1 FROM held ON CONFLICT DO NOTHING
    )
    SELECT listing_key, mode FROM held ORDER BY opened_at
"""
HALTED: Final = "sales are halted: it is sold once trading resumes"


async def request(
    database: Database, held: Sequence[PositionRow], *, requested_by: str, request_id: str | None = None
) -> None:
    """Request the sale of the positions in *held*. A repeated request is recorded, and changes nothing."""
    author = Author(requested_by, request_id)
    async with database.transaction() as connection:
        for position in held:
            await connection.execute(REQUEST, position.listing_key, position.mode, requested_by)
            await actions.record(connection, "close", author, subject=name_of(position))


async def request_all(connection: Connection, *, requested_by: str) -> Sequence[str]:
    """Request the sale of all sellable positions, in the caller's transaction; return their names."""
    rows = await connection.fetch(REQUEST_ALL, requested_by)
    return [f"{row['listing_key']} ({row['mode']})" for row in rows]


async def obstacles(connection: Connection, config: TradeConfig) -> Sequence[str]:
    """Return why nothing is sold for now; none if a request is carried out at once."""
    rows = await connection.fetch(health.COMPONENTS)
    missing = health.seller_missing([dict(row) for row in rows])
    are_halted = config.exits_halted or any(halt.exits for halt in config.halts)
    return [each for each in (HALTED if are_halted else "", missing) if each]


def request_message(position: PositionRow, hindered: Sequence[str]) -> str:
    """Return the outcome of a request to sell *position*, in its state before, in words; *hindered* by obstacles."""
    message = f"{name_of(position)}: the executor is asked to sell it"
    if position.close_requested_at is not None:
        since = f"{position.close_requested_at:%Y-%m-%d %H:%M:%S} UTC"
        message = f"{name_of(position)}: the executor has been asked to sell it since {since}"
    return "; ".join([message, *hindered])
