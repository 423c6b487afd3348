"""What is held, and of it the positions that a decision of an operator concerns: by number, symbol or listing."""

from collections.abc import Sequence
from typing import Final

from api.reading.lists.pages import rows_of
from api.reading.lists.tables import POSITIONS
from api.reading.reader import Reader
from api.schemas import PositionRow
from shared.errors import SniperError
from shared.events import Mode
from shared.postgres.database import Database
from shared.states import HELD as POSITIONS_HELD
from shared.states import in_sql

SELLABLE: Final = frozenset({"open", "closing"})
"""In any other state nothing can be sold of it; `api.operator.write_offs` gives it up."""
_SELECTED: Final = (
    f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in POSITIONS.columns.items())} FROM {POSITIONS.tables}"  # noqa: S608 - names of ours alone
)
HELD: Final = f"""
    {_SELECTED} WHERE positions.state IN {in_sql(POSITIONS_HELD)}
    ORDER BY positions.opened_at, positions.id
"""
NUMBERED: Final = f"{_SELECTED} WHERE positions.id = $1"


class NoSuchPositionError(SniperError):
    """Nothing of the kind is held."""


class EndedPositionError(SniperError):
    """The position is not in a state in which that can be done."""


def name_of(position: PositionRow) -> str:
    """Return what messages call it."""
    return f"{position.listing_key} ({position.mode})"


async def everything(database: Database) -> list[PositionRow]:
    """Return every position that is neither sold nor written off, oldest first: what these cost is the exposure."""
    return rows_of(POSITIONS, await Reader(database).fetch(HELD), PositionRow)


async def of(database: Database, what: str, mode: Mode | None, *, sellable: bool) -> Sequence[PositionRow]:
    """Return what is held of *what*, a symbol or a listing key, in *mode* (None: in both).

    Raises NoSuchPositionError where there is none, or none that is *sellable* where it has to be.
    """
    held = [
        position
        for position in await everything(database)
        if what in {position.symbol, position.listing_key} and mode in {None, position.mode}
        if position.state in SELLABLE or not sellable
    ]
    if not held:
        kind = "no open position" if sellable else "nothing is held"
        raise NoSuchPositionError(f"{kind} of {what}{f' ({mode})' if mode else ''}")
    return held


async def numbered(database: Database, number: int, *, sellable: bool) -> PositionRow:
    """Return the position with that number.

    Raises NoSuchPositionError where there is none, and EndedPositionError where nothing is held of it any more, or
    nothing can be sold and it has to be *sellable*.
    """
    found = rows_of(POSITIONS, await Reader(database).fetch(NUMBERED, number), PositionRow)
    if not found:
        raise NoSuchPositionError(f"there is no position {number}")
    [position] = found
    if position.state in {"closed", "written_off"}:
        raise EndedPositionError(f"{name_of(position)} is {position.state}: nothing is held of it")
    if sellable and position.state not in SELLABLE:
        raise EndedPositionError(f"{name_of(position)} is {position.state}: nothing can be sold of it")
    return position
