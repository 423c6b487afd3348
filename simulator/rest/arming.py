"""What a request to arm a fault may say, and the armed fault it makes."""

from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from simulator.faults import KINDS, Armed


class InvalidError(Exception):
    """A field of a control request cannot be what it is."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class FaultRequest(BaseModel):
    """Which fault, and what of it differs from its row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: str
    endpoint: str | None = Field(None, description='a method and a path, "*" as a wildcard: "POST /api/v3/*"')
    count: Annotated[int, Field(ge=1)] | None = Field(None, description="null: until it is deleted")
    seconds: Annotated[float, Field(ge=-86_400, le=86_400)] = 1.0
    status: Annotated[int, Field(ge=200, le=599)] = 503
    accept: bool = False
    code: int = 30016
    message: str = "Trading disabled"
    retry_after: Annotated[int, Field(ge=0)] | None = None
    fraction: Annotated[float, Field(ge=0, le=1)] = 0.1
    extra: Annotated[int, Field(ge=1, le=10_000)] = 100
    size_bytes: Annotated[int, Field(ge=1, le=64 * 1024 * 1024)] = 2 * 1024 * 1024


def armed(request: FaultRequest) -> Armed:
    """Raises InvalidError for an unknown fault, or an option it does not read."""
    kind = KINDS.get(request.fault)
    if kind is None:
        raise InvalidError("fault", f"unknown; known are {', '.join(KINDS)}")
    given = request.model_fields_set - {"fault", "endpoint", "count"}
    if strange := sorted(given - set(kind.options)):
        readable = ", ".join(kind.options) or "none"
        raise InvalidError(strange[0], f"{kind.name} does not read it; its options are: {readable}")
    options = replace(kind.defaults, **{name: getattr(request, name) for name in given})
    count = request.count if "count" in request.model_fields_set else kind.count
    return Armed(kind, request.endpoint or kind.endpoint, count, options)
