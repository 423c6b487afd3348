"""Base model and fields of all events: enumerations, times, symbols and numbers, with validation and JSON Schema."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Final, NewType

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.errors import PermanentError
from shared.symbol_format import JSON_SCHEMA, is_symbol

ListingKey = NewType("ListingKey", str)
"""Shared by all sightings of one listing: ``ABCUSDT:1``, or ``test:ABCUSDT:1`` for an injected one."""
CLOCK_TOLERANCE: Final = timedelta(seconds=2)
"""Tolerated lead of another machine's clock before its times count as the future."""
_UNSIGNED: Final = r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_UTC_SCHEMA: Final = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?Z$",
}
_Digits = Annotated[Decimal, Field(max_digits=40, allow_inf_nan=False)]


class Event(BaseModel):
    """Fields of all events: an id unique per producer, a subject and a time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str]
    producer: ClassVar[str]
    schema_version: ClassVar[int] = 1
    """Incremented only for changes that break old readers; a new optional field is none."""

    id: str = Field(min_length=1)

    @property
    def subject(self) -> str:
        """Subject of the event: the symbol, or the component."""
        raise NotImplementedError

    @property
    def time(self) -> datetime:
        """Time of the event, aware, in UTC."""
        raise NotImplementedError


class Source(StrEnum):
    """Source of a sighting."""

    MEXC_WEBSOCKET = "mexc_websocket"
    MEXC_REST_API = "mexc_rest_api"
    TEST_INJECTION = "test_injection"


class Mode(StrEnum):
    """Whether orders move money."""

    DRY_RUN = "dry-run"
    LIVE = "live"


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class TradeStatus(StrEnum):
    FILLED = "filled"
    REJECTED = "rejected"
    FAILED = "failed"
    PENDING = "pending"


class HealthStatus(StrEnum):
    RUNNING = "running"
    STOPPED = "stopped"
    DEGRADED = "degraded"
    ERROR = "error"


def _source(value: object) -> Source:
    try:
        return Source(str(value))
    except ValueError:
        message = "source must be: mexc_websocket, mexc_rest_api, or test_injection"
        raise PydanticCustomError("contract_source", message) from None


KnownSource = Annotated[Source, BeforeValidator(_source)]


def refuse_future(listed_at: datetime, *, now: datetime) -> None:
    """Raise PermanentError where *listed_at* is after *now*, beyond the tolerance."""
    if listed_at > now + CLOCK_TOLERANCE:
        raise PermanentError("listed_at cannot be in the future")


def never_after(now: datetime, listed_at: datetime, source: Source) -> datetime:
    """Return *listed_at*, clamped to *now*: a sighting of our own ingest has happened, whatever the clocks.

    An injected time in the future is refused with PermanentError.
    """
    if source is Source.TEST_INJECTION:
        refuse_future(listed_at, now=now)
    return min(listed_at, now)


def utc_now() -> datetime:
    """Return the wall-clock time, aware."""
    return datetime.now(UTC)


def as_utc(value: datetime) -> datetime:
    """Return *value* in UTC; raise PydanticCustomError where it is out of range."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("time", "is too far from now") from None


def _symbol(value: str) -> str:
    if not is_symbol(value):
        raise PydanticCustomError("contract_symbol", "Invalid symbol format")
    return value


def _written(pattern: str, description: str) -> WithJsonSchema:
    """Return the JSON Schema of a number that is written as text, so that none is rounded."""
    schema = {"type": "string", "pattern": pattern, "description": description}
    return WithJsonSchema(schema, mode="serialization")


Symbol = Annotated[str, AfterValidator(_symbol), WithJsonSchema(dict(JSON_SCHEMA))]
Utc = Annotated[AwareDatetime, AfterValidator(as_utc), WithJsonSchema(_UTC_SCHEMA, mode="serialization")]
Money = Annotated[
    Decimal,
    Field(max_digits=14, allow_inf_nan=False),
    _written(rf"^-?{_UNSIGNED}", "A decimal number as text, of at most 14 digits."),
]
Amount = Annotated[
    _Digits, _written(rf"^-?{_UNSIGNED}", "A decimal number as text, possibly with an exponent: `0.5`, `1E-12`.")
]
"""Of a coin, or a price: some coins cost 1E-12."""
Quantity = Annotated[
    _Digits, Field(ge=0), _written(rf"^{_UNSIGNED}", "A decimal number as text, 0 or more, possibly with an exponent.")
]
Price = Annotated[
    _Digits, Field(gt=0), _written(rf"^{_UNSIGNED}", "A decimal number as text, above 0, possibly with an exponent.")
]
