"""Orders and positions as rows, and back; statements with named parameters."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import asyncpg
from asyncpg import Record

from executor.model import ExitReason, Order, OrderState, Position, PositionState
from shared.errors import PermanentError
from shared.events import AppliedConfig, Listing, Mode, Side
from shared.log_context import listing_context

_NAME: Final = re.compile(r"(?<![:\w]):([a-z]\w*)")
UNSTORABLE: Final = (asyncpg.DataError, UnicodeEncodeError)
"""What a text that the database's encoding lacks raises, here or there."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What asyncpg is given: numbered parameters, and which name each number has."""

    sql: str
    names: tuple[str, ...]

    def arguments(self, values: Mapping[str, object]) -> tuple[object, ...]:
        """Return *values* in the order of the numbers; raise KeyError naming the one that is missing."""
        return tuple(map(values.__getitem__, self.names))


def named(sql: str) -> Statement:
    """Read *sql* with ``:name`` for each parameter; ``::`` stays a cast."""
    names = tuple(dict.fromkeys(_NAME.findall(sql)))
    numbers = {name: f"${number}" for number, name in enumerate(names, start=1)}
    return Statement(_NAME.sub(lambda found: numbers[found[1]], sql), names)


def in_ascii(words: str) -> str:
    """Return *words* with a question mark for each character that is not ASCII, which every encoding holds."""
    return words.encode("ascii", "replace").decode("ascii").replace("\0", "?")


def row_of(order: Order, reason: str = "") -> dict[str, object]:
    """Return the columns of *order* by their names, JSON as text."""
    return own_columns(order, reason) | {"listing": order.listing.model_dump_json(exclude_none=True)}


def own_columns(order: Order, reason: str = "") -> dict[str, object]:
    """Return the same without its listing."""
    return {
        "listing_key": order.listing_key,
        "mode": order.mode,
        "side": order.side,
        "sequence": order.sequence,
        "symbol": order.symbol,
        "base_asset": order.listing.base_asset,
        "client_order_id": order.client_order_id,
        "quote_qty": order.quote_qty,
        "base_qty": order.base_qty,
        "config": order.config.model_dump_json(),
        "decided_at": order.decided_at,
        "send_until": order.send_until,
        "fire_at": order.fire_at,
        "exit_reason": order.exit_reason,
        "price_min": order.price_min,
        "state": order.state,
        "error_reason": reason or None,
    }


def opening_of(listing: Listing) -> dict[str, object]:
    """Return the word of *listing* on its opening, as an order that waits takes it in."""
    return {
        "listing_key": listing.key,
        "opens_at": listing.opens_at,
        "observed_at": listing.observed_at,
        "listing": listing.model_dump_json(exclude_none=True),
    }


def order_of(row: Record | None) -> Order:
    """Return the order in *row*; raise PermanentError where the journal has lost it."""
    if row is None:
        raise PermanentError("the journal does not hold the order")
    return Order(
        listing=Listing.model_validate(row["listing"]),
        mode=Mode(row["mode"]),
        side=Side(row["side"]),
        sequence=row["sequence"],
        client_order_id=row["client_order_id"],
        quote_qty=row["quote_qty"],
        base_qty=row["base_qty"],
        config=AppliedConfig.model_validate(row["config"]),
        decided_at=row["decided_at"],
        send_until=row["send_until"],
        fire_at=row["fire_at"],
        exit_reason=row["exit_reason"] and ExitReason(row["exit_reason"]),
        state=OrderState(row["state"]),
        exchange_order_id=row["exchange_order_id"],
        answered_at=row["answered_at"],
        price_min=row["price_min"],
        attempt=row["attempt"],
        attempt_id=row["attempt_id"],
        price_max=row["price_max"],
        requested_qty=requested_qty(row["request"]),
        attention=row["attention"] or "",
        given_up_at=row["given_up_at"],
        looked_again=row["looked_again"],
    )


def about_row(row: Record) -> AbstractContextManager[None]:
    """Name the listing of *row* on every log line of the block, also if nothing else of the row can be read."""
    known: Mapping[str, object] = row["listing"] if isinstance(row["listing"], Mapping) else {}
    return listing_context(row["listing_key"], str(known.get("id", "unreadable")))


def requested_qty(request: Mapping[str, str] | None) -> Decimal | None:
    """Return how many coins *request* names, where it does."""
    quantity = (request or {}).get("quantity")
    return None if quantity is None else Decimal(quantity)


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
