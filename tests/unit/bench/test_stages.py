"""Stage times of a journey, and their medians."""

from pathlib import Path

import pytest

from bench.exchange.venue import Instant, Journey
from bench.stages import StageTimes, medians_ms, received_ns, received_to_ordered_ms, times_of

STAGES = {
    "observed_at": "2026-03-02T12:00:00.0005Z",
    "published_at": "2026-03-02T12:00:00.0015Z",
    "deduplicated_at": "2026-03-02T12:00:00.005Z",
    "decided_at": "2026-03-02T12:00:00.009Z",
}
NOON = 1_772_452_800.0


def a_passage() -> StageTimes:
    return times_of(
        Journey("ABCUSDT", Instant(0, NOON), Instant(10_500_000, NOON + 0.0105)), STAGES, received_ns=1_000_000
    )


def test_a_journey_takes_what_passed_between_its_two_ends() -> None:
    assert Journey("ABCUSDT", Instant(1_000_000, 0.0), Instant(5_250_000, 0.0)).ms == 4.25


def test_each_stage_is_timed_from_the_one_before() -> None:
    expected = {"observed": 1.0, "published": 1.0, "deduplicated": 3.0, "decided": 4.0, "ordered": 1.5}

    assert medians_ms([a_passage()]) == pytest.approx(expected, abs=0.01)


def test_the_way_through_our_own_process_begins_when_the_frame_was_read() -> None:
    assert received_to_ordered_ms([a_passage()]) == pytest.approx([9.5], abs=0.01)


def test_the_first_frame_with_a_symbol_counts(tmp_path: Path) -> None:
    log = tmp_path / "ingest.log"
    log.write_text(
        "2026-03-02T12:00:00Z [info] listing seen\nABCUSDT/received 10\nXYZUSDT/received 20\nABCUSDT/received 30\n"
    )

    assert received_ns(log) == {"ABCUSDT": 10, "XYZUSDT": 20}
