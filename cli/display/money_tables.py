"""Tables of exposure, open orders and positions for `sniper status`."""

from collections.abc import Iterable, Sequence
from typing import Final

from api.schemas import ExposureRow, OrderRow, PositionRow
from cli.display import tables
from shared.events import Side

SETTLED_BY_HAND: Final = frozenset({"acknowledged", "unknown"})
"""States in which `sniper orders settle` takes an order."""


def exposure_table(exposures: Iterable[ExposureRow]) -> tables.WholeTable:
    """Return a table of the exposure in each mode."""
    rows = [
        (
            each.mode.value,
            f"{each.reserved_usdt:f}",
            f"{each.filled_usdt:f}",
            str(each.orders_today),
            f"{each.spent_today_usdt:f}",
            str(each.failures),
        )
        for each in exposures
    ]
    columns = ("mode", "reserved USDT", "held USDT", "orders today", "spent today USDT", "failures in a row")
    return tables.table("At stake", columns, rows)


def open_orders_table(orders: Sequence[OrderRow]) -> tables.WholeTable:
    """Return a table of open orders, unknown ones in red."""
    rows = [
        (
            f"{each.decided_at:%m-%d %H:%M:%S}",
            f"{each.side} {each.symbol}",
            amount_of(each),
            each.mode.value,
            state_of(each),
        )
        for each in orders
    ]
    table = tables.table("Open orders", ("decided (UTC)", "order", "amount", "mode", "state"), rows)
    table.row_styles = ["red" if each.state == "unknown" else "" for each in orders]
    return table


def amount_of(order: OrderRow) -> str:
    """Return the quantity to sell, or the amount to spend; empty if it is not known yet."""
    if order.side is Side.SELL:
        return "all" if order.base_qty is None else f"{order.base_qty:f}"
    # Nothing is reserved before an armed order fires.
    return f"{order.quote_qty:f} USDT" if order.quote_qty else ""


def state_of(order: OrderRow) -> str:
    """Return the state of an order, with its opening, or with its look-ups and the id to settle it by."""
    if order.state == "armed":
        opens = f"{order.fire_at:%Y-%m-%d %H:%M:%S} UTC" if order.fire_at else "an opening that nobody has told yet"
        return f"armed for {opens}"
    state = order.state
    if order.state == "unknown":
        state = f"unknown, looked for and not found {order.misses} times"
    if order.attention:
        return f"{state}; {order.client_order_id} needs a person: {order.attention}"
    return f"{state} ({order.client_order_id})" if order.state in SETTLED_BY_HAND else state


def positions_table(held: Sequence[PositionRow], *, title: str = "Open positions") -> tables.WholeTable:
    """Return a table of positions, with prices and amounts in USDT."""
    rows = [
        (
            f"{each.opened_at:%m-%d %H:%M:%S}",
            each.symbol,
            each.mode.value,
            tables.rounded(each.base_qty),
            tables.rounded(each.average_price),
            f"{each.cost_usdt:f}",
            f"{each.received_usdt:f}",
            position_state(each),
        )
        for each in held
    ]
    columns = ("opened (UTC)", "symbol", "mode", "quantity", "price", "cost", "sold for", "state")
    return tables.table(title, columns, rows)


def show_positions(held: Sequence[PositionRow], *, title: str) -> None:
    """Print a table of positions."""
    tables.show(positions_table(held, title=title))


def position_state(position: PositionRow) -> str:
    """Return the state of a position, with its result, its requested sale, or its note."""
    if position.result_usdt is not None:
        percent = "" if position.result_pct is None else f" ({position.result_pct:+.2f} %)"
        unknown = ", less fees of unknown value" if position.fees_unknown else ""
        return f"{position.state}: {position.result_usdt:+.2f} USDT{percent}{unknown}"
    if position.close_requested_at and position.state in {"open", "closing"}:
        return f"{position.state}, to be sold since {position.close_requested_at:%m-%d %H:%M:%S}"
    return f"{position.state}: {position.note}" if position.note else position.state
