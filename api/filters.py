"""What a request may ask of a list; anything else in the query is refused by name."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.events import KnownSource, Mode, Side, Symbol, TradeStatus

OFFSET_MAX = 10_000_000

OrderState = Literal[
    "armed", "sending", "acknowledged", "unknown", "filled", "partially_filled", "rejected", "expired", "failed"
]
PositionState = Literal["open", "closing", "closed", "dust"]


class PageFilter(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] = 0

    def columns(self) -> Mapping[str, str]:
        """Return the columns to compare, with the values they must have."""
        return self.model_dump(mode="json", exclude={"limit", "offset"}, exclude_none=True)


class ListingsFilter(PageFilter):
    source: KnownSource | None = None


class TradesFilter(PageFilter):
    mode: Mode | None = None
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
