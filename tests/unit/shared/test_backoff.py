"""The waits between attempts."""

import pytest

from shared.errors import jittered
from shared.mexc.streams.connection import StreamOptions


@pytest.mark.parametrize(
    ("attempt", "longest"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (6, 30), (1_000_000, 30)]
)
def test_waits_for_a_websocket_double_from_one_second_to_thirty_and_no_two_are_the_same(
    attempt: int, longest: float
) -> None:
    options = StreamOptions("ws://127.0.0.1/ws")

    waits = {
        jittered(attempt, first_seconds=options.retry_first_seconds, max_seconds=options.retry_max_seconds)
        for _ in range(100)
    }

    assert all(longest / 2 <= wait <= longest for wait in waits)
    assert len(waits) > 90
