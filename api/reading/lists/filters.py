"""Filters of lists; an unknown query parameter is refused by name."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from api.reading.lists import cursor as cursors
from api.reading.lists.cursor import Place
from api.schemas import RequestTime
from shared.events import KnownSource, Mode, Side, Symbol, TradeStatus

OFFSET_MAX: Final = 10_000

OrderState = Literal[
    "armed", "sending", "acknowledged", "unknown", "filled", "partially_filled", "rejected", "expired", "failed"
]
PositionState = Literal["open", "closing", "closed", "dust", "external", "unsellable", "written_off"]


def limit_offset(offset: int) -> int:
    """Return *offset* if it is within its limit: the database would read and drop every row before it."""
    if offset > OFFSET_MAX:
        message = "must not be more than {most}: follow `next` of each page with `cursor` instead"
        raise PydanticCustomError("offset_too_far", message, {"most": OFFSET_MAX})
    return offset


def require_cursor(cursor: str) -> str:
    """Return *cursor* if it can be decoded."""
    try:
        cursors.decode(cursor)
    except ValueError as error:
        raise PydanticCustomError("cursor_unknown", str(error)) from None
    return cursor


Offset = Annotated[int, Field(ge=0, json_schema_extra={"maximum": OFFSET_MAX}), AfterValidator(limit_offset)]
Cursor = Annotated[str, Field(max_length=cursors.CHARACTERS_MAX), AfterValidator(require_cursor)]


class ListFilter(BaseModel):
    """Selection of rows by time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: Annotated[RequestTime | None, Field(description="Rows of this moment and later")] = None
    until: Annotated[RequestTime | None, Field(description="Rows before this moment")] = None

    @model_validator(mode="after")
    def until_after_since(self) -> Self:
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise PydanticCustomError("until_before_since", "until: must be later than since")
        return self

    def columns(self) -> Mapping[str, str]:
        """Return the columns to compare, with their required values."""
        return self.model_dump(mode="json", exclude=_BESIDE, exclude_none=True)

    def times(self) -> Mapping[str, datetime]:
        """Return the given time bounds, by name."""
        bounds = {"since": self.since, "until": self.until}
        return {name: bound for name, bound in bounds.items() if bound is not None}


_BESIDE: Final = {"since", "until", "limit", "offset", "cursor", "format"}


class PageFilter(ListFilter):
    """Selection of a page."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    offset: Offset = 0
    cursor: Annotated[Cursor | None, Field(description="`next` of the page before")] = None
    format: Annotated[
        Literal["json", "csv"] | None,
        Field(description="Format of the answer, for links without an `Accept` header; left out: by `Accept`"),
    ] = None

    @model_validator(mode="after")
    def offset_or_cursor(self) -> Self:
        if self.cursor is not None and self.offset:
            raise PydanticCustomError("two_ways", "offset: not together with a cursor")
        return self

    def place(self) -> Place | None:
        """Return the place after which the page begins; None at the beginning."""
        return None if self.cursor is None else cursors.decode(self.cursor)


class ListingsFilter(PageFilter):
    source: KnownSource | None = None
    symbol: Symbol | None = None


class TradesFilter(PageFilter):
    mode: Mode | None = None
    side: Side | None = None
    status: TradeStatus | None = None
    symbol: Symbol | None = None


class OrdersFilter(PageFilter):
    mode: Mode | None = None
    side: Side | None = None
    state: OrderState | None = None
    symbol: Symbol | None = None


class PositionsFilter(PageFilter):
    mode: Mode | None = None
    state: PositionState | None = None
    symbol: Symbol | None = None


class ClosedFilter(PageFilter):
    mode: Mode | None = None
    state: Literal["closed", "written_off"] | None = None
    symbol: Symbol | None = None


def page_parameters(wanted: PageFilter) -> Mapping[str, Any]:
    """Return the page parameters of *wanted*, which do not apply to an export."""
    return wanted.model_dump(include={"limit", "offset", "cursor"} & wanted.model_fields_set)
