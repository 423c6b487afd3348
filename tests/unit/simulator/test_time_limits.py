import pytest

from simulator.settings import SimulatorSettings
from simulator.stream.time_limits import TimeLimits


@pytest.fixture
def limits() -> TimeLimits:
    settings = SimulatorSettings(ws_unsubscribed_seconds=30, ws_idle_seconds=60, ws_lifetime_seconds=100)
    return TimeLimits(settings, now=1000.0)


def test_connection_without_a_subscription_ends_first(limits: TimeLimits) -> None:
    limits.note_traffic(1020.0)

    assert limits.seconds_left(1020.0) == 10.0


def test_subscribed_connection_ends_once_it_was_idle(limits: TimeLimits) -> None:
    limits.note_traffic(1010.0)
    limits.note_subscription(1050.0)

    assert limits.seconds_left(1050.0) == 20.0


def test_busy_connection_ends_after_its_lifetime(limits: TimeLimits) -> None:
    limits.note_traffic(1099.0)
    limits.note_subscription(1099.0)

    assert limits.seconds_left(1099.0) == 1.0
