from decimal import Decimal

import pytest
from pydantic import TypeAdapter

from api.schemas import Amount


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0.00000001", "0.00000001"), ("0E-8", "0.00000000"), ("100.00", "100.00"), ("1E+3", "1000")],
)
def test_an_amount_is_written_without_an_exponent(amount: str, text: str) -> None:
    assert TypeAdapter(Amount).dump_python(Decimal(amount), mode="json") == text
