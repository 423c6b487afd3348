"""The only writer of write_offs: positions that a person gives up as lost, and why, for the executor to book."""

from collections.abc import Sequence
from typing import Final

from api.operator import actions
from api.operator.held_positions import name_of
from api.schemas import PositionRow
from shared.control.config_store import Author
from shared.postgres.database import Database

REQUEST: Final = """
    INSERT INTO write_offs (listing_key, mode, requested_by, reason) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""


async def request(
    database: Database,
    held: Sequence[PositionRow],
    *,
    reason: str,
    requested_by: str,
    request_id: str | None = None,
) -> None:
    """Give up the positions in *held*; their exposure is free again once the executor has booked it.

    Who asks again is recorded, and changes nothing.
    """
    author = Author(requested_by, request_id)
    async with database.transaction() as connection:
        for position in held:
            await connection.execute(REQUEST, position.listing_key, position.mode, requested_by, reason)
            await actions.record(connection, "write_off", author, subject=name_of(position), details={"reason": reason})


def told(position: PositionRow) -> str:
    """Say what becomes of a request to give up *position*."""
    return f"{name_of(position)}: the executor writes off {position.cost_usdt:f} USDT"
