"""Tables of the lists: columns, order and filters of each. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Final, get_args, get_origin

from api.reading.reason_texts import limits_of, reason_sentence
from api.schemas import Answer, ListingRow, OrderRow, PositionRow, TradeRow


@dataclass(frozen=True, slots=True, eq=False)
class PageTable:
    """A list of rows, newest first."""

    name: str
    columns: Mapping[str, str]
    """SQL of each field of an answer, in order."""
    at: str
    """SQL of the time that orders the rows; rows of one time are ordered by id."""
    id: str
    filters: Mapping[str, str]
    """SQL of each column to filter by."""
    json: frozenset[str]
    """Fields whose text is JSON."""
    numbers: frozenset[str]
    """Fields whose text is a number."""
    tables: str
    """SQL of the tables."""
    at_field: str = field(default="created_at", kw_only=True)
    """The field that holds the time."""
    derived: Mapping[str, Callable[[Mapping[str, Any]], object]] = field(
        default_factory=lambda: MappingProxyType({}), kw_only=True
    )
    """Further fields of an answer, computed from the others."""
    always: str = field(default="", kw_only=True)
    """SQL of a condition that every row of the list meets."""


def _page_table(
    table: str,
    row: type[Answer],
    filters: tuple[str, ...],
    *,
    at: str = "created_at",
    joined: str = "",
    others: Mapping[str, str] = MappingProxyType({}),
) -> PageTable:
    """Return the list of *table*, with *others* being columns of the *joined* tables."""
    kinds = {name: _kinds(of.annotation) for name, of in row.model_fields.items() if name not in others}
    numeric = frozenset(name for name, kind in kinds.items() if Decimal in kind)
    json = frozenset(name for name, kind in kinds.items() if dict in kind)
    # As text a number has every digit and no exponent, and JSON is passed through unparsed.
    as_text = {name: f"{table}.{name}::text" for name in numeric | json}
    columns = {name: others.get(name) or as_text.get(name) or f"{table}.{name}" for name in row.model_fields}
    return PageTable(
        table,
        MappingProxyType(columns),
        f"{table}.{at}",
        f"{table}.id",
        MappingProxyType({name: f"{table}.{name}" for name in filters}),
        json,
        numeric | {name for name, kind in kinds.items() if int in kind},
        f"{table} {joined}".strip(),
        at_field=at,
    )


def _kinds(annotation: Any) -> frozenset[Any]:
    """Return the types that *annotation* allows, without constraints."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin is None or origin is dict:
        return frozenset({origin or annotation})
    return frozenset[Any]().union(*map(_kinds, get_args(annotation)))


LISTINGS: Final = _page_table("listings", ListingRow, ("source", "symbol"))
_TRADES: Final = _page_table("trades", TradeRow, ("mode", "side", "status", "symbol"))
TRADES: Final = replace(
    _TRADES,
    derived=MappingProxyType(
        {
            "words": lambda row: reason_sentence(row["error_reason"]),
            "bound_by": lambda row: limits_of(row["error_reason"]),
        }
    ),
)
ORDERS: Final = _page_table("orders", OrderRow, ("mode", "side", "state", "symbol"))
_POSITIONS: Final = _page_table(
    "positions",
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
