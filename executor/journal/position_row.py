"""A position as a row, and back."""

from asyncpg import Record

from executor.model.position import Position, PositionState
from shared.errors import PermanentError
from shared.events import Listing, Mode


def position_of(row: Record | None) -> Position:
    """Return the position in *row*; raise PermanentError where there is none."""
    if row is None:
        raise PermanentError("there is no such position")
    return Position(
        listing=Listing.model_validate(row["listing"]),
        mode=Mode(row["mode"]),
        state=PositionState(row["state"]),
        base_qty=row["base_qty"],
        cost_usdt=row["cost_usdt"],
        average_price=row["average_price"],
        peak_price=row["peak_price"],
        received_usdt=row["received_usdt"],
        sales=row["sales"],
        opened_at=row["opened_at"],
        stop_reference=row["stop_reference"],
        note=row["note"],
        bought_qty=row["bought_qty"],
        proceeds=row["proceeds"],
    )
