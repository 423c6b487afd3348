"""An executor whose wall clock is apart from the exchange's, on a simulated exchange with a clock of its own."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shared.events import utc_now
from tests.support.running.desks import ONE_DOLLAR, desk, fresh
from tests.support.running.simulators import simulator_in_this_process

NOTHING = (Decimal("0.00"), Decimal("0.00"))


@pytest.mark.parametrize("exchange_ahead_seconds", [-3.0, -1.5, 3.0, -3600.0])
async def test_an_opening_is_met_by_the_exchanges_clock(
    database_url: str, tmp_path: Path, exchange_ahead_seconds: float
) -> None:
    async with (
        simulator_in_this_process(clock_ahead_seconds=exchange_ahead_seconds) as simulator,
        desk(database_url, simulator, tmp_path) as opened,
    ):
        listed = await simulator.list_coin("APARTUSDT", 3, **ONE_DOLLAR)
        opens_at = datetime.fromtimestamp(listed["first_open_time_ms"] / 1000, UTC)
        seen_at = utc_now() + timedelta(seconds=exchange_ahead_seconds)
        await opened.tell(fresh("APARTUSDT", at=seen_at, opens_at=opens_at))

        await opened.position_in("APARTUSDT", "open")

        received = [each["received_exchange_ns"] for each in await simulator.orders("APARTUSDT")]
        assert received[-1] >= listed["first_open_time_ms"] * 1_000_000


@pytest.mark.parametrize("exchange_ahead_seconds", [-3.0, 3.0, -3600.0])
async def test_a_position_is_held_for_as_long_as_it_is_to_be(
    database_url: str, tmp_path: Path, exchange_ahead_seconds: float
) -> None:
    """Its time begins with the exchange's answer and ends by the same clock: a difference between two would end it."""
    async with (
        simulator_in_this_process(clock_ahead_seconds=exchange_ahead_seconds) as simulator,
        desk(database_url, simulator, tmp_path, holding_seconds_max=2) as opened,
    ):
        await simulator.list_coin("HELDUSDT", **ONE_DOLLAR)
        await opened.tell(fresh("HELDUSDT", at=utc_now() + timedelta(seconds=exchange_ahead_seconds)))
        position = await opened.position_in("HELDUSDT", "closed")

        [sale] = await opened.sales("HELDUSDT")
        assert sale["decided_at"] - position["opened_at"] >= timedelta(seconds=2)
        assert await opened.exposure() == NOTHING
