import pytest

from api.reading.lists.export import escape_formula


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠1"])
def test_a_text_that_a_spreadsheet_would_compute_is_not_one_any_more(text: str) -> None:
    assert escape_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "max_position", "5 - 3", "币安USDT", "a=b"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert escape_formula(text) == text
