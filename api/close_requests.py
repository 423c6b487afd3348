"""The only writer of close_requests: what an operator wants sold, for the executor to see to."""

from collections.abc import Sequence
from typing import Final

from api import queries
from api.schemas import PositionRow
from shared.database import Database
from shared.errors import SniperError
from shared.events import Mode

REQUEST: Final = """
    INSERT INTO close_requests (listing_key, mode, requested_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""


class NoSuchPositionError(SniperError):
    """Nothing of the kind is held."""


async def request(database: Database, what: str, mode: Mode | None, *, requested_by: str) -> Sequence[PositionRow]:
    """Ask for what is held of *what*, a symbol or a listing key, in *mode* (None: in both) to be sold.

    Returns the positions as they were before; raises NoSuchPositionError where there is none.
    """
    held = [
        position
        for position in await queries.held_positions(database)
        if what in {position.symbol, position.listing_key} and mode in {None, position.mode}
    ]
    if not held:
        raise NoSuchPositionError(f"no open position of {what}{f' ({mode})' if mode else ''}")
    async with database.transaction() as connection:
        for position in held:
            await connection.execute(REQUEST, position.listing_key, position.mode, requested_by)
    return held
