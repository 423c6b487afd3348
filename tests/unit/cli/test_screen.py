from decimal import Decimal

import pytest

from cli.screen import rounded


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
