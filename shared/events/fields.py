"""Types of event fields, with validation and JSON Schema."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.symbol_format import JSON_SCHEMA, is_symbol


def _symbol(value: str) -> str:
    if not is_symbol(value):
        raise PydanticCustomError("contract_symbol", "Invalid symbol format")
    return value


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("time", "is too far from now") from None


def _written(pattern: str, description: str) -> WithJsonSchema:
    """Return the JSON Schema of a number that is written as text, so that none is rounded."""
    schema = {"type": "string", "pattern": pattern, "description": description}
    return WithJsonSchema(schema, mode="serialization")


_UNSIGNED: Final = r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_UTC_SCHEMA: Final = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?Z$",
}

Symbol = Annotated[str, AfterValidator(_symbol), WithJsonSchema(dict(JSON_SCHEMA))]
Utc = Annotated[AwareDatetime, AfterValidator(_utc), WithJsonSchema(_UTC_SCHEMA, mode="serialization")]
Money = Annotated[
    Decimal,
    Field(max_digits=14, allow_inf_nan=False),
    _written(rf"^-?{_UNSIGNED}", "A decimal number as text, of at most 14 digits."),
]
_Digits = Annotated[Decimal, Field(max_digits=40, allow_inf_nan=False)]
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
