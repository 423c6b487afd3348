import pytest

from api.reading.lists.negotiation import prefers_csv


@pytest.mark.parametrize(
    ("accept", "csv"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("text/csv", True),
        ("TEXT/CSV; charset=utf-8", True),
        ("text/*", True),
        ("text/csv, application/json", False),
        ("text/csv, application/json;q=0.9", True),
        ("text/csv;q=0.1, */*;q=0.5", False),
        ("text/csv;q=0", False),
        ("text/csv;q=many", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
    ],
)
def test_csv_is_for_those_who_prefer_it(accept: str | None, csv: bool) -> None:
    assert prefers_csv(accept) is csv
