from decimal import Decimal

import pytest

from executor.answers import notional_min, price_cap
from tests.exchange_answers import CAP, LEAST


@pytest.mark.parametrize(
    ("message", "cap"),
    [
        (CAP, "0.05"),
        ("Order price cannot exceed 12USDC", "12"),
        ("Order price cannot exceed: 0.000000000001 USDT.", "0.000000000001"),
        ("Order price cannot exceed", None),
        ("Order price cannot exceed USDT", None),
        ("Order price cannot exceed 0USDT", None),
        ("Order price cannot exceed 0.000USDT", None),
        ("Order price cannot exceed -1USDT", None),
        ("Order price cannot exceed 1e-5USDT", None),
        ("Order price cannot exceed 1,000USDT", None),
        ("Order price cannot exceed ٣USDT", None),
        (f"Order price cannot exceed {'9' * 21}USDT", None),
        ("Order price cannot exceed NaNUSDT", None),
        ("0.05USDT", None),
    ],
)
def test_a_price_cap_is_a_plain_positive_number_of_dollars(message: str, cap: str | None) -> None:
    assert price_cap(message) == (None if cap is None else Decimal(cap))


@pytest.mark.parametrize(
    ("message", "least"),
    [
        (LEAST, "1"),
        ("cannot be less than: 5.5 USDC", "5.5"),
        ("cannot be less than:10ABC", None),
        ("cannot be less than:0USDT", None),
        (CAP, None),
    ],
)
def test_a_least_amount_counts_only_in_dollars(message: str, least: str | None) -> None:
    assert notional_min(message) == (None if least is None else Decimal(least))
