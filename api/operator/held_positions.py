"""Held positions, and their selection for an operator's decision: by number, symbol or listing."""

from collections.abc import Sequence
from typing import Final

from api.reading.lists.pages import models_of
from api.reading.lists.tables import POSITIONS
from api.reading.reader import Reader
from api.schemas import PositionRow
from shared.errors import SniperError
from shared.events import Mode
from shared.postgres.database import Database
from shared.states import HELD as POSITIONS_HELD
from shared.states import in_sql

SELLABLE: Final = frozenset({"open", "closing"})
"""In any other state it cannot be sold; see `api.operator.write_offs`."""
_SELECTED: Final = (
    f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in POSITIONS.columns.items())} FROM {POSITIONS.tables}"  # noqa: S608 - constant names only
)
HELD: Final = f"""
    {_SELECTED} WHERE positions.state IN {in_sql(POSITIONS_HELD)}
    ORDER BY positions.opened_at, positions.id
"""
NUMBERED: Final = f"{_SELECTED} WHERE positions.id = $1"


class NoSuchPositionError(SniperError):
    """No such position is held."""


class EndedPositionError(SniperError):
    """The state of the position does not allow the decision."""


def name_of(position: PositionRow) -> str:
    """Return the position's name in messages."""
    return f"{position.listing_key} ({position.mode})"


async def all_held(database: Database) -> list[PositionRow]:
    """Return every position neither sold nor written off, oldest first: their cost is the exposure."""
    return models_of(POSITIONS, await Reader(database).fetch(HELD), PositionRow)


async def find_held(database: Database, what: str, mode: Mode | None, *, sellable: bool) -> Sequence[PositionRow]:
    """Return the held positions of *what*, a symbol or a listing key, in *mode* (None: in both).

    Raises NoSuchPositionError if there is none, or with *sellable* none that can be sold.
    """
    held = [
        position
        for position in await all_held(database)
        if what in {position.symbol, position.listing_key} and mode in {None, position.mode}
        if position.state in SELLABLE or not sellable
    ]
    if not held:
        kind = "no open position" if sellable else "nothing is held"
        raise NoSuchPositionError(f"{kind} of {what}{f' ({mode})' if mode else ''}")
    return held


async def by_id(database: Database, number: int, *, sellable: bool) -> PositionRow:
    """Return the position with that number.

    Raises NoSuchPositionError if there is none, and EndedPositionError if it has ended, or with *sellable* cannot be
    sold.
    """
    found = models_of(POSITIONS, await Reader(database).fetch(NUMBERED, number), PositionRow)
    if not found:
        raise NoSuchPositionError(f"there is no position {number}")
    [position] = found
    if position.state in {"closed", "written_off"}:
        raise EndedPositionError(f"{name_of(position)} is {position.state}: nothing is held of it")
    if sellable and position.state not in SELLABLE:
        raise EndedPositionError(f"{name_of(position)} is {position.state}: nothing can be sold of it")
    return position
