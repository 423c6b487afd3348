"""Requests of operators to write off positions as lost, for the executor; the only writer of write_offs."""

from collections.abc import Sequence
from typing import Final

from api.operator import actions
from api.operator.held_positions import name_of
from api.schemas import PositionRow
from shared.control.config_store import Author
from shared.postgres.database import Database

REQUEST: Final = """
    INSERT INTO write_offs (listing_key, mode, requested_by, reason) VALUES ($1, $2, $3, $4)
"""


async def request(
    database: Database,
    held: Sequence[PositionRow],
    *,
    reason: str,
    requested_by: str,
    request_id: str | None = None,
) -> None:
    """Request the write-off of the positions in *held*; their exposure is released once the executor has booked it.

    A repeated request is recorded; it changes something only where more of the position appeared since the one before.
    """
    author = Author(requested_by, request_id)
    async with database.transaction() as connection:
        for position in held:
            await connection.execute(REQUEST, position.listing_key, position.mode, requested_by, reason)
            await actions.record(connection, "write_off", author, subject=name_of(position), details={"reason": reason})


def request_message(position: PositionRow) -> str:
    """Return the outcome of a request to write off *position*, in words."""
    return f"{name_of(position)}: the executor writes off {position.cost_usdt:f} USDT"
