from decimal import Decimal

import pytest

from cli.display.tables import rounded, signed


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("514.734783783783", "514.735"),
        ("1E-12", "0.000000000001"),
        ("0.00000000012345678", "0.000000000123457"),
        ("560.56", "560.56"),
        ("0", "0"),
        ("1234567890.123", "1234567890"),
    ],
)
def test_amounts_are_written_in_as_many_digits_as_a_person_reads(amount: str, written: str) -> None:
    assert rounded(Decimal(amount)) == written


@pytest.mark.parametrize(
    ("number", "written"),
    [("12.346", "+12.35"), ("-1234.5", "−1,234.50"), ("0", "0.00"), ("-0.001", "0.00"), ("0.005", "0.00")],
)
def test_gains_and_losses_have_a_sign(number: str, written: str) -> None:
    assert signed(Decimal(number), 2) == written
