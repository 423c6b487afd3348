from decimal import Decimal

import pytest

from api.reading.lists.export import cell_text, escape_formula
from tests.support.data.builders import NOON


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠1"])
def test_a_text_that_a_spreadsheet_would_compute_is_not_one_any_more(text: str) -> None:
    assert escape_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "max_position", "5 - 3", "币安USDT", "a=b"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert escape_formula(text) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (NOON, "2026-03-02T12:00:00Z"),
        (["a", "b"], "a, b"),
        ("-1", "'-1"),
        (Decimal("-1.50"), "-1.50"),
    ],
)
def test_a_cell_is_text_that_reads_back(value: object, text: str) -> None:
    assert cell_text(value, is_text=True) == text


def test_a_number_stored_as_text_is_no_formula() -> None:
    assert cell_text("-1", is_text=False) == "-1"
