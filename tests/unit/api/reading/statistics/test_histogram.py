import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.reading.statistics.histogram import FIRST_MS, GROWTH, percentile_ms, up_to_ms

TIMES_MS = st.lists(st.floats(0.2, 1e6), min_size=1, max_size=200)


def bucket(milliseconds: float) -> int:
    """As the database's duration_bucket."""
    return math.ceil(math.log(max(milliseconds, FIRST_MS) / FIRST_MS) / math.log(GROWTH))


@given(TIMES_MS, st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_within_5_per_cent(times: list[float], share: float) -> None:
    true = sorted(times)[math.ceil(share * len(times)) - 1]

    assert percentile_ms(Counter(map(bucket, times)), share) == pytest.approx(true, rel=0.055)


def test_a_time_is_counted_where_its_bucket_says() -> None:
    for milliseconds in (0.05, 0.1, 0.3, 1.0, 12.5, 900.0, 60_000.0):
        number = bucket(milliseconds)
        assert milliseconds <= up_to_ms(number) * 1.01
        assert number == 0 or milliseconds >= up_to_ms(number - 1) * 0.99


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no samples"):
        percentile_ms({}, 0.5)
