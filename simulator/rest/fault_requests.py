"""Request to arm a fault, and the armed fault it makes."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from simulator.faults.registry import KINDS, ArmedFault


class InvalidFieldError(Exception):
    """A field of a control request is invalid."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


Text = Annotated[str, Field(coerce_numbers_to_str=True)]


class FaultRequest(BaseModel):
    """The fault, and the options that differ from its defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: str
    endpoint: str | None = Field(None, description='a method and a path, "*" as a wildcard: "POST /api/v3/*"')
    count: Annotated[int, Field(ge=1)] | None = Field(None, description="null: until it is deleted")
    after: Annotated[int, Field(ge=0)] = Field(0, description="how many matching requests pass unharmed first")
    symbol: str | None = Field(None, description="only requests that concern it")
    side: Literal["BUY", "SELL"] | None = Field(None, description="only orders of this side")
    seconds: Annotated[float, Field(ge=-86_400, le=86_400)] | None = 1.0
    status: Annotated[int, Field(ge=200, le=599)] = 503
    accept: bool = False
    code: int = 30016
    message: str = ""
    body: str | None = Field(None, description="the whole body, as it is")
    retry_after: Text | None = Field(None, description='as it is sent: 7, "1.5", " 2 "')
    retry_after_in: float | None = Field(None, description="seconds from now, sent as an HTTP date")
    fraction: Annotated[float, Field(ge=0, le=1)] = 0.1
    extra: Annotated[int, Field(ge=1, le=10_000)] = 100
    size_bytes: Annotated[int, Field(ge=1, le=64 * 1024 * 1024)] = 2 * 1024 * 1024
    views: tuple[Literal["client_id", "order_id", "open_orders", "all_orders", "my_trades", "cancel"], ...] = ()
    word: Annotated[str, Field(min_length=1)] = ""
    bids: tuple[tuple[Text, Text], ...] | None = None
    asks: tuple[tuple[Text, Text], ...] | None = None
    field: Literal["bidPrice", "bidQty", "askPrice", "askQty"] = "bidPrice"
    column: Annotated[str, Field(min_length=1, max_length=64)] = "commission"
    value: str | float | None = None
    missing: bool = False


# Fields common to all faults, and those that select requests rather than being options.
_COMMON = frozenset({"fault", "endpoint", "count", "after"})
_AIMED = frozenset({"symbol", "side"})


def armed_fault(request: FaultRequest) -> ArmedFault:
    """Make the armed fault. Raises InvalidFieldError for an unknown fault, or an option it does not read."""
    kind = KINDS.get(request.fault)
    if kind is None:
        raise InvalidFieldError("fault", f"unknown; known are {', '.join(KINDS)}")
    given = request.model_fields_set - _COMMON
    if strange := sorted(given - set(kind.options) - _AIMED):
        readable = ", ".join(kind.options) or "none"
        raise InvalidFieldError(strange[0], f"{kind.name} does not read it; its options are: {readable}")
    options = replace(kind.defaults, **{name: getattr(request, name) for name in given})
    count = request.count if "count" in request.model_fields_set else kind.count
    return ArmedFault(kind, request.endpoint or kind.endpoint, count, options, to_skip=request.after)
