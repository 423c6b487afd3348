from typing import Any

import pytest

from shared.process.log_troubles import LATEST, LINE_CHARACTERS_MAX, Troubles


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def troubles(clock: Clock) -> Troubles:
    return Troubles(clock)


def log(troubles: Troubles, level: str, event: str = "it", **fields: Any) -> None:
    line = {"level": level, "event": event, "timestamp": "2026-03-02T12:00:00Z", **fields}
    assert troubles(None, level, dict(line)) == line


def told(troubles: Troubles) -> dict[str, Any]:
    fact = troubles.fact()
    assert isinstance(fact, dict)
    return fact


def test_what_is_wrong_is_counted_and_nothing_else(troubles: Troubles) -> None:
    for level in ("debug", "info", "warning", "warning", "error", "critical"):
        log(troubles, level)

    assert (told(troubles)["warnings"], told(troubles)["errors"]) == (2, 2)


def test_the_latest_lines_come_first_without_their_tracebacks(troubles: Troubles) -> None:
    for number in range(LATEST + 2):
        log(troubles, "error", f"line {number}", exception="Traceback\n...", reason="so\nit is", request_id="r")

    latest = told(troubles)["latest"]
    assert latest[0] == f"2026-03-02T12:00:00Z error line {LATEST + 1} reason=so it is"
    assert len(latest) == LATEST


def test_a_line_is_not_longer_than_there_is_room_for(troubles: Troubles) -> None:
    log(troubles, "warning", "x" * 10_000)

    assert len(told(troubles)["latest"][0]) == LINE_CHARACTERS_MAX


def test_after_an_hour_it_is_forgotten(troubles: Troubles, clock: Clock) -> None:
    log(troubles, "warning", "old")
    clock.now = 3_000
    log(troubles, "error", "new")
    assert (told(troubles)["warnings"], told(troubles)["errors"]) == (1, 1)

    clock.now = 3_700

    assert (told(troubles)["warnings"], told(troubles)["errors"]) == (0, 1)
    assert len(told(troubles)["latest"]) == 1
