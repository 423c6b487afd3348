import pytest

from api.streaming.event_log import POSITION_MAX
from api.streaming.routes import resumed_from


@pytest.mark.parametrize(
    ("last_event_id", "after", "position"),
    [
        (None, None, None),
        (None, 7, 7),
        ("", 7, 7),
        ("12", 7, 12),
        ("abc", 7, POSITION_MAX),
        ("-1", None, POSITION_MAX),
        ("٣", None, POSITION_MAX),
        ("9" * 19, None, POSITION_MAX),
        ("9" * 5000, None, POSITION_MAX),
    ],
)
def test_position_comes_from_the_last_event_id_before_the_parameter(
    last_event_id: str | None, after: int | None, position: int | None
) -> None:
    assert resumed_from(last_event_id, after) == position
