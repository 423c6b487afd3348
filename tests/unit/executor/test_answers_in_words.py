from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.venues.error_codes import at_least, at_most
from tests.support.data.exchange_answers import CAP, LEAST
from tests.support.data.strategies import steady


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
        ("Order price cannot exceed 1,000USDT", "1000"),
        ("Order price cannot exceed 1,234,567.89 USDT", "1234567.89"),
        ("order PRICE cannot EXCEED ： 99usdt", "99"),
        ("Order price cannot exceed：0.05USD1", "0.05"),
        ("Order price cannot exceed　０．０５ＵＳＤＴ", "0.05"),
        ("Order price cannot be higher than 0.05 EUR", "0.05"),
        ("下单价格不能高于0.05USDT", "0.05"),
        ("Order price cannot exceed 1,00USDT", None),
        ("Order price cannot exceed 1.000,50USDT", None),
        ("Order price cannot exceed 0,5USDT", None),
        ("Order price cannot exceed 0.05BTC", None),
        ("Order price cannot exceed ٣USDT", None),
        (f"Order price cannot exceed {'9' * 21}USDT", None),
        ("Order price cannot exceed NaNUSDT", None),
        ("0.05USDT", None),
    ],
)
def test_a_price_cap_is_a_plain_positive_number_of_money_in_any_spelling(message: str, cap: str | None) -> None:
    assert at_most(message) == (None if cap is None else Decimal(cap))


@pytest.mark.parametrize(
    ("message", "least"),
    [
        (LEAST, "1"),
        ("cannot be less than: 5.5 USDC", "5.5"),
        ("The minimum transaction volume cannot be less than：0.5USDT", "0.5"),
        ("The minimum transaction volume cannot be less than : 99USDT", "99"),
        ("The minimum transaction volume cannot be less than:1,000USDT", "1000"),
        ("cannot be lower than 5 usdc.", "5"),
        ("最小交易额不能小于：1USDT", "1"),
        ("cannot be less than:10ABC", None),
        ("cannot be less than:10ETH", None),
        ("cannot be less than:10", None),
        ("cannot be less than:0USDT", None),
        (CAP, None),
    ],
)
def test_a_least_amount_counts_only_in_money(message: str, least: str | None) -> None:
    assert at_least(message) == (None if least is None else Decimal(least))


@steady
@given(
    number=st.decimals("0.000000001", 10**9, places=9),
    grouped=st.booleans(),
    colon=st.sampled_from(["", ":", "："]),
    blanks=st.tuples(*[st.sampled_from(["", " ", "\t", "  ", "　", "\xa0"])] * 3),
    asset=st.sampled_from(["USDT", "usdt", "USDC", "USD1", "USDE", "USDF", "EUR", "ＵＳＤＴ"]),
    upper=st.booleans(),
)
def test_a_number_is_read_in_every_spelling(
    number: Decimal, grouped: bool, colon: str, blanks: tuple[str, str, str], asset: str, upper: bool
) -> None:
    digits = f"{number:,f}" if grouped else f"{number:f}"
    before, behind, last = blanks
    tail = f"{before}{colon}{behind}{digits}{last}{asset} (30002)"
    for phrase, read in (("cannot be less than", at_least), ("cannot exceed", at_most)):
        assert read((phrase.upper() if upper else phrase) + tail) == number
