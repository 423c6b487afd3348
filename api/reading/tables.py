"""Lists that are read by pages: the columns of each, its order, and what it can be narrowed by. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from sqlalchemy import Numeric, Table
from sqlalchemy.dialects.postgresql import JSONB

from api.schemas import Answer, ListingRow, OrderRow, PositionRow, TradeRow
from shared.tables import listings, orders, positions, trades


@dataclass(frozen=True, slots=True, eq=False)
class PageTable:
    """A list of rows, newest first."""

    name: str
    columns: Mapping[str, str]
    """SQL of each field of an answer, in its order."""
    at: str
    """SQL of the time that rows are ordered by; rows of one time are ordered by their id."""
    id: str
    filters: Mapping[str, str]
    """SQL of each column that rows can be narrowed by."""
    json: frozenset[str]
    """Fields whose text is JSON."""
    numbers: frozenset[str]
    """Fields whose text is a number."""
    tables: str
    """SQL of the tables."""
    at_field: str = field(default="created_at", kw_only=True)
    """The field that holds the time."""
    always: str = field(default="", kw_only=True)
    """SQL of a condition that every row of the list meets."""


def _page_table(
    table: Table,
    row: type[Answer],
    filters: tuple[str, ...],
    *,
    at: str = "created_at",
    joined: str = "",
    others: Mapping[str, str] = MappingProxyType({}),
) -> PageTable:
    """Return the list of rows of *table*, with *others* than its own columns from what is *joined*."""
    own = [name for name in row.model_fields if name not in others]
    numeric = frozenset(name for name in own if isinstance(table.c[name].type, Numeric))
    json = frozenset(name for name in own if isinstance(table.c[name].type, JSONB))
    # As text a number has every digit and no exponent, and JSON is passed on unread.
    as_text = {name: f"{table.name}.{name}::text" for name in numeric | json}
    columns = {name: others.get(name) or as_text.get(name) or f"{table.name}.{name}" for name in row.model_fields}
    return PageTable(
        table.name,
        MappingProxyType(columns),
        f"{table.name}.{at}",
        f"{table.name}.id",
        MappingProxyType({name: f"{table.name}.{name}" for name in filters}),
        json,
        numeric | {name for name in own if table.c[name].type.python_type is int},
        f"{table.name} {joined}".strip(),
        at_field=at,
    )


LISTINGS: Final = _page_table(listings, ListingRow, ("source", "symbol"))
TRADES: Final = _page_table(trades, TradeRow, ("mode", "side", "status", "symbol"))
ORDERS: Final = _page_table(orders, OrderRow, ("mode", "side", "state", "symbol"))
_POSITIONS: Final = _page_table(
    positions,
    PositionRow,
    ("mode", "state", "symbol"),
    at="opened_at",
    joined="""
        LEFT JOIN close_requests USING (listing_key, mode)
        LEFT JOIN position_results USING (listing_key, mode)
    """,
    others=MappingProxyType(
        {
            "close_requested_at": "close_requests.created_at",
            "exits": """(
                SELECT own.after::text FROM position_exits AS own
                WHERE own.listing_key = positions.listing_key AND own.mode = positions.mode
                ORDER BY own.revision DESC LIMIT 1
            )""",
            "result_usdt": "position_results.result_usdt::text",
            "result_pct": "position_results.result_pct::text",
            "fees_unknown": "position_results.fees_unknown",
        }
    ),
)
POSITIONS: Final = replace(
    _POSITIONS, json=_POSITIONS.json | {"exits"}, numbers=_POSITIONS.numbers | {"result_usdt", "result_pct"}
)
CLOSED: Final = replace(
    POSITIONS, name="closed", at="positions.closed_at", at_field="closed_at", always="positions.closed_at IS NOT NULL"
)
