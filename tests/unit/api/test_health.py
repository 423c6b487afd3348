from datetime import timedelta
from typing import Any

import pytest

from api.reading.health import overall, report
from shared.events import HealthStatus
from tests.builders import NOON

RUNNING, STOPPED, DEGRADED, ERROR = (
    HealthStatus.RUNNING,
    HealthStatus.STOPPED,
    HealthStatus.DEGRADED,
    HealthStatus.ERROR,
)


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [
        ([], "degraded"),
        ([RUNNING, RUNNING], "ok"),
        ([RUNNING, DEGRADED], "degraded"),
        ([RUNNING, STOPPED], "degraded"),
        ([STOPPED, STOPPED], "error"),
        ([STOPPED, DEGRADED], "degraded"),
        ([RUNNING, DEGRADED, STOPPED, ERROR], "error"),
    ],
)
def test_the_whole_is_as_well_as_its_worst_part(statuses: list[HealthStatus], whole: str) -> None:
    assert overall(statuses) == whole


def test_a_component_is_shown_as_judged_with_what_it_said() -> None:
    row: dict[str, Any] = {
        "component_name": "ingest",
        "status": "degraded",
        "last_event_at": None,
        "updated_at": NOON,
        "detail": "websocket away",
        "facts": {},
    }

    fresh = report([row], now=NOON + timedelta(seconds=3)).components[0]
    silent = report([row], now=NOON + timedelta(seconds=34)).components[0]

    assert (fresh.status, fresh.age_seconds, fresh.detail) == (DEGRADED, 3, "websocket away")
    assert (silent.status, silent.age_seconds, silent.detail) == (ERROR, 34, "silent for 34 s, last said degraded")


@pytest.mark.parametrize(
    ("status", "detail", "said"),
    [("error", "silent, last said running", "running"), ("error", "its sources are blind", "error")],
)
def test_a_component_that_is_marked_as_silent_is_still_told_with_since_when(
    status: str, detail: str, said: str
) -> None:
    row: dict[str, Any] = {
        "component_name": "dedup",
        "status": status,
        "last_event_at": None,
        "updated_at": NOON,
        "detail": detail,
        "facts": {},
    }

    silent = report([row], now=NOON + timedelta(seconds=34)).components[0]

    assert (silent.status, silent.detail) == (ERROR, f"silent for 34 s, last said {said}")


def test_a_clock_ahead_of_ours_makes_nothing_younger_than_new() -> None:
    said: dict[str, Any] = {
        "component_name": "x",
        "status": "running",
        "last_event_at": None,
        "detail": "",
        "facts": {},
    }

    assert report([{**said, "updated_at": NOON}], now=NOON - timedelta(seconds=9)).components[0].age_seconds == 0
