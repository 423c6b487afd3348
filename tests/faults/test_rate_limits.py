"""REST while the exchange counts, refuses and bans."""

import statistics
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest

from ingest.source import SymbolNames, Upcoming
from shared.events import HealthStatus, utc_now
from tests.support.running.polls import Polls, polling
from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.waiting import eventually

QUICKEST: dict[str, Any] = {"default_symbols_seconds": 0.1, "exchange_info_seconds": 2, "calendar_seconds": 1}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as running:
        yield running


@pytest.mark.parametrize(("status", "words"), [(429, "rate limited"), (418, "banned")])
async def test_refusal_is_waited_out_by_every_poll_and_told(simulator: Simulator, status: int, words: str) -> None:
    async with polling(simulator.rest_url, **QUICKEST) as polls:
        await eventually(lambda: polls.snapshots)
        armed_at = time.time()
        await simulator.arm("http_status", endpoint="GET /api/v3/*", status=status, retry_after=2)
        await eventually(lambda: polls.sample("rest_refusals_total", status=str(status)))
        told_by, asked = time.time(), sum((await simulator.requests()).values())

        health, detail = polls.feeds.health()
        assert health is HealthStatus.DEGRADED
        assert f"REST: {words} until " in detail
        assert armed_at + 2 < polls.sample("rest_closed_until_timestamp_seconds") < told_by + 2

        async def is_asked_again() -> bool:
            return sum((await simulator.requests()).values()) > asked

        await eventually(is_asked_again)
        await eventually(lambda: polls.detail == "")
        assert await _longest_silence_seconds(simulator) > 1.5


async def test_limits_are_never_reached_however_quick_the_beats_are_set() -> None:
    now = utc_now()
    async with (
        simulator_in_this_process(limits=True, weight_per_10_seconds=60, requests_per_second=8) as simulator,
        polling(
            simulator.rest_url,
            lambda: [Upcoming("SOONUSDT", now)],
            default_symbols_opening_seconds=0.05,
            exchange_info_opening_seconds=2,
            weight_per_10_seconds=60,
            requests_per_second=8,
        ) as polls,
    ):
        # The second snapshot fits only beside the names, which come first and must leave it room.
        await eventually(lambda: len(polls.snapshots) > 1)
        await eventually(lambda: polls.sample("rest_waiting"))

        assert await simulator.refusals() == {}
        assert 50 < polls.sample("rest_weight_used") <= 60


@pytest.mark.parametrize("opens_in", [None, 0])
async def test_listing_is_seen_within_half_a_second_and_no_limit_is_reached(opens_in: int | None) -> None:
    """With the beats, the exchange and the limits as they are in production, near an opening and far from one."""
    upcoming = [] if opens_in is None else [Upcoming("SOONUSDT", utc_now())]
    async with (
        simulator_in_this_process(limits=True, symbols=2000) as simulator,
        polling(simulator.rest_url, lambda: upcoming) as polls,
    ):
        await eventually(lambda: polls.snapshots)
        delays = [await _delay_seconds(simulator, polls, f"COIN{number}USDT") for number in range(5)]
        await eventually(lambda: "COIN4USDT" in polls.snapshots[-1])

        # One of five may meet a moment in which the machine does something else.
        assert statistics.median(delays) < 0.5
        assert await simulator.refusals() == {}


async def _longest_silence_seconds(simulator: Simulator) -> float:
    """Return the longest time without a request; one on its way when the exchange refused comes before."""
    received_ns = [int(each["received_at_ns"]) for each in await simulator.traffic()]
    return max(later - earlier for earlier, later in pairwise(received_ns)) / 1e9


async def _delay_seconds(simulator: Simulator, polls: Polls, symbol: str) -> float:
    """From the moment the exchange shows *symbol* among the tradable ones until that is reported."""
    shown: dict[str, int] = await simulator.list_coin(symbol)
    await eventually(lambda: symbol in polls.names[-1])
    seen = next(each for each in polls.evidence if isinstance(each, SymbolNames) and symbol in each.symbols)
    return seen.observed_at.timestamp() - shown["opens_at_ms"] / 1000
