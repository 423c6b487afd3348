"""Silence is noticed in time, whatever the clocks of the senders and our own do."""

from datetime import datetime, timedelta

from notifier.health_watch import HealthWatch
from shared.process.heartbeat import HEARTBEAT_SECONDS, SILENCE_MAX
from tests.support.data.builders import NOON, a_health

BEAT = timedelta(seconds=HEARTBEAT_SECONDS)
MOMENT = timedelta(milliseconds=20)
"""On the way from the sender."""


def silences(watch: HealthWatch, now: datetime) -> list[str]:
    return [notice.title for notice in watch.fell_silent(now)]


def test_killed_component_is_silent_in_time_where_its_host_is_ahead() -> None:
    watch, now = HealthWatch(), NOON
    for beat in range(3):
        now = NOON + beat * BEAT
        watch.heard(a_health(sent_at=now + timedelta(minutes=10)), now + MOMENT)
        assert silences(watch, now + MOMENT) == []

    assert silences(watch, now + SILENCE_MAX) == []
    assert silences(watch, now + SILENCE_MAX + 2 * MOMENT) == ["executor is silent"]


def test_reports_count_after_every_clock_was_set_back() -> None:
    watch = HealthWatch()
    watch.heard(a_health(sent_at=NOON), NOON + MOMENT)
    back = NOON - timedelta(hours=1)

    told = watch.heard(a_health(status="error", sent_at=back), back + MOMENT)

    assert told is not None
    assert told.title == "executor is error"
    last = back + BEAT
    watch.heard(a_health(status="error", sent_at=last), last + MOMENT)
    assert silences(watch, last + SILENCE_MAX) == []
    assert silences(watch, last + SILENCE_MAX + 2 * MOMENT) == ["executor is silent"]


def test_reports_count_after_the_clock_of_a_host_that_was_ahead_was_set_right() -> None:
    watch = HealthWatch()
    watch.heard(a_health(sent_at=NOON + timedelta(minutes=10)), NOON)

    told = watch.heard(a_health(status="degraded", sent_at=NOON + BEAT), NOON + BEAT + MOMENT)

    assert told is not None


def test_component_killed_as_the_clocks_are_set_back_is_silent_in_time() -> None:
    watch = HealthWatch()
    watch.heard(a_health(process="a", sent_at=NOON), NOON + MOMENT)
    back = NOON - timedelta(hours=1)

    assert silences(watch, back) == []
    assert silences(watch, back + SILENCE_MAX) == []
    assert silences(watch, back + SILENCE_MAX + MOMENT) == ["executor is silent"]


def test_process_of_before_a_step_does_not_hide_that_the_other_has_died() -> None:
    watch = HealthWatch()
    watch.heard(a_health(process="a", sent_at=NOON), NOON + MOMENT)
    back = NOON - timedelta(hours=1)
    watch.heard(a_health(process="b", sent_at=back), back + MOMENT)

    assert silences(watch, back + SILENCE_MAX + 2 * MOMENT) == ["executor is silent"]


def test_late_report_of_an_earlier_time_is_still_no_news() -> None:
    watch = HealthWatch()
    watch.heard(a_health(sent_at=NOON), NOON + MOMENT)

    assert watch.heard(a_health(status="error", sent_at=NOON - timedelta(seconds=1)), NOON + BEAT) is None
