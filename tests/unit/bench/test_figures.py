"""Figures of samples."""

import pytest

from bench.figures import Figures, Result, Step, latency, percentile_99, steps_between, throughput


def test_median_and_percentile_are_of_all_samples() -> None:
    assert latency([float(number) for number in range(1, 301)]) == Figures(150.5, 297.0)


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (99, 99), (100, 99), (101, 100), (300, 297)])
def test_percentile_is_a_value_that_occurred(count: int, expected: int) -> None:
    assert percentile_99(range(1, count + 1)) == expected


def test_rate_is_of_all_events_over_all_time() -> None:
    figures = throughput([Step(0.5, 100), Step(1.5, 200), Step(1.0, 150)])

    assert figures == Figures(p50_ms=1000.0, p99_ms=1500.0, per_s=150.0)


def test_a_step_holds_the_events_its_moment_began_with() -> None:
    assert steps_between([1.0, 1.5, 3.5], [200, 180, 20]) == [Step(0.5, 200), Step(2.0, 180)]


def test_ratios_tell_how_many_times_the_floor_it_is() -> None:
    result = Result(ours=Figures(6.0, 30.0, 500.0), floor=Figures(4.0, 10.0, 2000.0), what="a step")

    assert (result.ratio_p50, result.ratio_p99, result.ratio_rate) == (1.5, 3.0, 4.0)


def test_json_holds_both_sides_and_their_ratios() -> None:
    result = Result(
        ours=Figures(6.0, 30.0, 500.0), floor=Figures(4.0, 10.0, 2000.0), what="a step", extra={"resident_mb": 120.5}
    )

    assert result.as_json() == {
        "what": "a step",
        "p50_ms": 6.0,
        "p99_ms": 30.0,
        "per_s": 500.0,
        "floor": {"p50_ms": 4.0, "p99_ms": 10.0, "per_s": 2000.0},
        "ratio_p50": 1.5,
        "ratio_p99": 3.0,
        "ratio_rate": 4.0,
        "resident_mb": 120.5,
    }


def test_json_of_latencies_tells_of_no_rate() -> None:
    described = Result(ours=Figures(6.0, 30.0), floor=Figures(4.0, 10.0), what="a sample").as_json()

    assert "per_s" not in described
    assert "ratio_rate" not in described
