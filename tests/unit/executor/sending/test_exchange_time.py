from datetime import timedelta

import pytest

from executor.sending.presend_check import ExchangeTime, milliseconds
from shared.events import utc_now
from shared.mexc.errors import ClockUncertainError
from tests.support.data.builders import NOON


def unknown() -> int:
    raise ClockUncertainError("the exchange has not told its time")


def test_the_exchanges_time_counts() -> None:
    assert ExchangeTime(lambda: 42, now=lambda: NOON).now_ms() == 42


def test_ours_counts_where_the_exchanges_is_not_known() -> None:
    assert ExchangeTime(unknown, now=lambda: NOON + timedelta(microseconds=7999)).now_ms() == milliseconds(NOON) + 7


@pytest.mark.parametrize("ahead_ms", [-50, 0, 40])
async def test_a_moment_is_reached_and_never_early(ahead_ms: int) -> None:
    moments = ExchangeTime(lambda: milliseconds(utc_now()) + 5000, now=utc_now)
    at_ms = moments.now_ms() + ahead_ms

    await moments.reach(at_ms)

    assert moments.now_ms() >= at_ms
