"""A price or an amount as the exchange writes it."""

from decimal import Decimal
from typing import Final

from pydantic import TypeAdapter, ValidationError

from shared.events import Price

_PRICE: Final = TypeAdapter[Decimal](Price)


def parse_price(text: str) -> Decimal | None:
    """Read *text*; None where it is no positive number, or one that an event has no place for."""
    try:
        return _PRICE.validate_python(text)
    except ValidationError:
        return None
