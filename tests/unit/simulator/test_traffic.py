"""The weight that each caller spends, window by window."""

from simulator.request_log import LoggedRequest
from simulator.rest.traffic import window_rows

SECOND_NS = 1_000_000_000


def passed(second: float, *, caller: str = "key", weight: int = 2, refused_with: int | None = None) -> LoggedRequest:
    return LoggedRequest(round(second * SECOND_NS), caller, f"GET /{weight}", weight, refused_with)


def test_weight_is_summed_by_window_and_caller_and_what_was_refused_spent_nothing() -> None:
    traffic = [
        passed(100),
        passed(101, weight=10),
        passed(109.9),
        passed(110),
        passed(105, caller="other"),
        passed(106, refused_with=429),
        passed(107, refused_with=418),
    ]

    rows = window_rows(traffic, 10)

    assert [(each["starts_at_s"], each["caller"], each["weight"], each["requests"]) for each in rows] == [
        (100, "key", 14, 3),
        (100, "other", 2, 1),
        (110, "key", 2, 1),
    ]
    assert rows[0]["refused"] == {"429": 1, "418": 1}
    assert rows[0]["weight_of"] == {"GET /2": 4, "GET /10": 10}


def test_nothing_asked_is_no_window() -> None:
    assert window_rows([], 10) == []
