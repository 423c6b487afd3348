"""Base model and fields of all events: enumerations, times, numbers, and symbols of any script, with their JSON Schema.

Letters and decimal digits are those of Unicode, as well as the marks that some scripts write their vowels with, after
a letter. Invisible characters (fillers, joiners, directions), emoji and controls are none of them. A name is in the
composed form, NFC, so that names that look the same are equal.

PostgreSQL cannot classify letters where its locale is C. Its constraint, `SQL_CHECK`, checks the length and refuses
characters that are certainly no letters, and accepts every letter of this rule.
"""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, NewType

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.errors import PermanentError

LENGTH_MIN: Final = 3
LENGTH_MAX: Final = 20
_OF_A_NAME: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd"})
"""Letters, the marks that some scripts write their vowels with, and decimal digits."""
_UNSEEN: Final = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0),
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)
"""Invisible letters and marks: fillers, joiners, selectors."""
_NO_LETTERS_BELOW_10000: Final = (
    r"\u0001-\u002F\u003A-\u0040\u005B-\u005E\u0060\u007B-\u00A9\u00AB-\u00B4\u00B6-\u00B9\u00BB-\u00BF\u00D7\u00F7"
    r"\u034F\u0600-\u0605\u061C\u06DD\u070F\u0890-\u0891\u08E2\u115F\u1160\u1680\u17B4\u17B5\u180B-\u180F"
    r"\u2000-\u206F\u20A0-\u20CF\u2150-\u2182\u2185-\u2BFF\u3000-\u3004\u3008-\u3020\u3164\uE000-\uF8FF"
    r"\uFE00-\uFE0F\uFEFF\uFF00-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65\uFFA0\uFFF0-\uFFFF"
)
_NO_LETTERS_ABOVE: Final = (
    r"\U000110BD\U000110CD\U00013430-\U0001343F\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A"
    r"\U0001F000-\U0001FAFF\U000E0000-\U0010FFFF"
)
_NO_LETTERS: Final = _NO_LETTERS_BELOW_10000 + _NO_LETTERS_ABOVE
SQL_CHECK: Final = f"char_length(symbol) BETWEEN {LENGTH_MIN} AND {LENGTH_MAX} AND symbol !~ '[{_NO_LETTERS}]'"
JSON_SCHEMA: Final[Mapping[str, str | int]] = MappingProxyType(
    {
        "type": "string",
        "minLength": LENGTH_MIN,
        "maxLength": LENGTH_MAX,
        "pattern": rf"^[^\u0000{_NO_LETTERS_BELOW_10000}]+$",
        "description": "Letters, digits and underscores of any script; the pattern refuses what is certainly none.",
    }
)
"""Approximation for JSON Schema: engines of regular expressions agree neither on letters nor on `\\U`."""
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


def is_symbol(text: str) -> bool:
    """Return whether *text* can be the name of a symbol."""
    if not LENGTH_MIN <= len(text) <= LENGTH_MAX:
        return False
    if text.isascii():
        return text.replace("_", "a").isalnum()
    if not unicodedata.is_normalized("NFC", text) or unicodedata.category(text[0]).startswith("M"):
        return False
    return all(each == "_" or (unicodedata.category(each) in _OF_A_NAME and each not in _UNSEEN) for each in text)


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
