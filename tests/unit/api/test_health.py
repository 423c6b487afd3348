from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from api.reading.health import overall, report
from api.reading.statistics.results import reported_worth
from shared.events import HealthStatus
from tests.support.data.builders import NOON

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


def test_a_fact_that_cannot_be_read_hides_no_other() -> None:
    """A newer version may report it in another form during a rolling update."""
    feed = {"name": "tickers", "age_seconds": 1, "trouble": "", "optional": False}
    troubles = {"process": "one", "warnings": 0, "errors": 1, "latest": []}
    facts: list[dict[str, Any]] = [
        {"feeds": [{"name": "names"}, feed], "troubles": {"process": "another"}},
        {"worth_usdt": {"A:1 live": "1.5", "B:1 live": "NaN", "C:1 live": [], "D:1 live": 2}, "troubles": troubles},
    ]
    said = {"status": "running", "last_event_at": None, "updated_at": NOON, "detail": ""}
    rows = [
        {**said, "component_name": name, "facts": each} for name, each in zip(("ingest", "exits"), facts, strict=True)
    ]

    health = report(rows, now=NOON)

    assert [each.name for each in health.feeds] == ["tickers"]
    assert [(each.process, each.components) for each in health.troubles] == [("one", ["exits"])]
    assert reported_worth(health.components) == {"A:1 live": Decimal("1.5"), "D:1 live": Decimal(2)}


def test_since_when_no_health_is_stored_is_told_where_everybody_is_silent() -> None:
    said: dict[str, Any] = {"status": "running", "last_event_at": None, "detail": "", "facts": {}}
    rows = [
        {**said, "component_name": "exits", "updated_at": NOON - timedelta(seconds=4)},
        {**said, "component_name": "persister", "updated_at": NOON},
    ]

    assert report(rows, now=NOON + timedelta(seconds=5)).gap == ""
    assert report(rows, now=NOON + timedelta(seconds=8)).gap == "no health is stored since 2026-03-02 12:00:00 UTC"
    assert report([], now=NOON).gap == "no health was ever stored"
