"""Reports of frames that could not be read."""

import pytest
from prometheus_client import CollectorRegistry, Counter
from structlog.testing import capture_logs

from shared.mexc.streams.bad_frames import BadFrames
from shared.mexc.streams.control_frame import FrameError
from shared.mexc.streams.stream_metrics import StreamMetrics


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def _metrics(registry: CollectorRegistry) -> StreamMetrics:
    def counter(name: str) -> Counter:
        return Counter(name, name, ["stream"], registry=registry)

    return StreamMetrics(*map(counter, ("frames", "bad_frames", "disconnects", "rotations", "refusals")))


@pytest.fixture
def bad_frames(registry: CollectorRegistry, clock: Clock) -> BadFrames:
    return BadFrames("tickers", _metrics(registry), clock)


def test_beginning_of_a_bad_frame_is_logged_with_the_reason(bad_frames: BadFrames) -> None:
    with capture_logs() as logs:
        bad_frames.drop(b"\xff" * 5000, FrameError("wire type 7"))

    [told] = logs
    assert told["begins_with"] == "ff" * 64
    assert (told["size"], told["reason"], told["stream"]) == (5000, "wire type 7", "tickers")


def test_text_is_shown_as_text(bad_frames: BadFrames) -> None:
    with capture_logs() as logs:
        bad_frames.drop("<html>\n", FrameError("no JSON"))

    assert logs[0]["begins_with"] == r"'<html>\n'"


def test_every_bad_frame_is_counted_and_one_a_minute_is_logged(
    bad_frames: BadFrames, clock: Clock, registry: CollectorRegistry
) -> None:
    with capture_logs() as logs:
        for _ in range(100):
            bad_frames.drop(b"\xff", FrameError("bad"))
        clock.now += 60
        bad_frames.drop(b"\xfe", FrameError("bad"))

    assert [told["dropped_since_last_told"] for told in logs] == [1, 100]
    assert registry.get_sample_value("bad_frames_total", {"stream": "tickers"}) == 101
