"""Prices and amounts as the exchange writes them."""

from decimal import Decimal
from typing import Final

from pydantic import TypeAdapter, ValidationError

from shared.events import Price

_PRICE: Final = TypeAdapter[Decimal](Price)


def parse_price(text: str) -> Decimal | None:
    """Return *text* as a number; None unless it is positive and fits an event."""
    try:
        return _PRICE.validate_python(text)
    except ValidationError:
        return None
