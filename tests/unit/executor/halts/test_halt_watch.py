"""What is known of halts without a database to ask."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from executor.halts.halt_causes import HaltCause
from executor.halts.halt_watch import FRESH_SECONDS, POLL_SECONDS, UNREADABLE, HaltWatch
from shared.events import Mode
from shared.postgres.database import Connection, Database
from tests.support.data.builders import NOON, an_applied_config


class Rows:
    """A database that holds these halts and takes every latch."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)
        self.latched: list[str] = []
        self.on_fetch: Callable[[], None] = lambda: None
        self.config: dict[str, Any] | None = None

    async def fetch(self, _: str) -> list[dict[str, Any]]:
        self.on_fetch()
        return self.rows

    async def fetchrow(self, _: str) -> dict[str, Any] | None:
        return self.config

    async def fetchval(self, _: str, cause: str, *__: object) -> bool:
        self.latched.append(cause)
        return True


def a_halt(**overrides: Any) -> dict[str, Any]:
    return {"cause": "failures", "mode": None, "reason": "5 in a row", "since": None, "exits": False} | overrides


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(tmp_path: Path, clock: Clock) -> HaltWatch:
    return HaltWatch(cast("Database", None), tmp_path / "halt", clock=clock)


async def look(watch: HaltWatch, rows: Rows) -> None:
    await watch.look(cast("Connection", rows))


def standing(watch: HaltWatch) -> tuple[str, str, str]:
    return watch.buys_halted(Mode.LIVE), watch.buys_halted(Mode.DRY_RUN), watch.exits_halted()


def test_two_looks_fit_into_a_tenth_of_a_second() -> None:
    assert 2 * POLL_SECONDS <= 0.1


async def test_nothing_is_traded_before_the_first_look(watch: HaltWatch) -> None:
    assert standing(watch) == (UNREADABLE, UNREADABLE, UNREADABLE)


async def test_without_a_halt_everything_is_traded(watch: HaltWatch) -> None:
    await look(watch, Rows())

    assert standing(watch) == ("", "", "")


@pytest.mark.parametrize(
    ("halt", "expected"),
    [
        (a_halt(), ("failures: 5 in a row", "failures: 5 in a row", "")),
        (a_halt(mode="live"), ("failures: 5 in a row", "", "")),
        (a_halt(mode="dry-run"), ("", "failures: 5 in a row", "")),
        (a_halt(cause="operator", reason="", exits=True), ("operator", "operator", "operator")),
    ],
)
async def test_a_halt_stops_what_it_is_about(
    watch: HaltWatch, halt: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    await look(watch, Rows(halt))

    assert standing(watch) == expected


async def test_what_was_read_is_believed_for_two_seconds_and_no_longer(watch: HaltWatch, clock: Clock) -> None:
    await look(watch, Rows())
    clock.seconds += FRESH_SECONDS
    assert standing(watch) == ("", "", "")

    clock.seconds += 0.001
    assert standing(watch) == (UNREADABLE, UNREADABLE, UNREADABLE)


async def test_an_answer_is_as_old_as_its_question(watch: HaltWatch, clock: Clock) -> None:
    rows = Rows()

    def take_long() -> None:
        clock.seconds += FRESH_SECONDS + 1

    rows.on_fetch = take_long
    await look(watch, rows)

    assert watch.exits_halted() == UNREADABLE


async def test_a_signal_halts_purchases_at_once_and_is_latched_once(watch: HaltWatch) -> None:
    rows = Rows()
    await look(watch, rows)

    watch.halt_by_signal()
    assert standing(watch) == ("signal: SIGUSR1", "signal: SIGUSR1", "")

    rows.rows.append(a_halt(cause="signal", reason="SIGUSR1"))
    await look(watch, rows)
    await look(watch, rows)
    assert rows.latched == ["signal"]
    assert standing(watch) == ("signal: SIGUSR1", "signal: SIGUSR1", "")


async def test_what_is_raised_in_one_mode_does_not_take_the_place_of_what_is_raised_in_the_other(
    watch: HaltWatch,
) -> None:
    rows = Rows()
    await look(watch, rows)
    for mode in Mode:
        watch.halt(HaltCause.FAILURES, mode, f"in {mode}")

    assert standing(watch) == ("failures: in live", "failures: in dry-run", "")
    await look(watch, rows)
    assert rows.latched == ["failures", "failures"]


async def test_a_signal_that_comes_while_the_one_before_is_lifted_is_not_lost(watch: HaltWatch) -> None:
    rows = Rows()
    watch.halt_by_signal()
    rows.on_fetch = watch.halt_by_signal  # Latched, and lifted before this look at what is in force.

    await look(watch, rows)
    assert watch.buys_halted(Mode.LIVE) == "signal: SIGUSR1"

    await look(watch, rows)
    assert rows.latched == ["signal", "signal"]


async def test_a_file_halts_purchases_until_somebody_resumes_after_it_is_gone(watch: HaltWatch, tmp_path: Path) -> None:
    rows, file = Rows(), tmp_path / "halt"
    await look(watch, rows)
    file.touch()
    watch.look_for_file()
    assert standing(watch) == (f"file: {file} exists", f"file: {file} exists", "")

    file.unlink()
    watch.look_for_file()
    assert watch.buys_halted(Mode.LIVE) == f"file: {file} exists"

    await look(watch, rows)
    assert rows.latched == ["file"]
    assert standing(watch) == ("", "", "")


async def test_a_resumption_while_the_file_is_there_changes_nothing_at_any_moment(
    watch: HaltWatch, tmp_path: Path
) -> None:
    rows, file = Rows(a_halt(cause="file", reason="exists")), tmp_path / "halt"
    file.touch()
    await look(watch, rows)
    watch.look_for_file()
    assert rows.latched == []

    rows.rows.clear()
    await look(watch, rows)
    assert watch.buys_halted(Mode.DRY_RUN) == f"file: {file} exists"

    watch.look_for_file()
    await look(watch, rows)
    assert rows.latched == ["file"]


async def test_a_file_that_cannot_be_looked_for_halts(clock: Clock) -> None:
    watch = HaltWatch(cast("Database", None), Path("/" + "x" * 300), clock=clock)
    await look(watch, Rows())

    watch.look_for_file()

    assert watch.buys_halted(Mode.LIVE).endswith("File name too long")


def a_row(**overrides: Any) -> dict[str, Any]:
    return {"auto_trade": True, "auto_trade_until": None, "updated_at": NOON} | overrides


@pytest.mark.parametrize(
    ("row", "ended"),
    [
        (None, ""),
        (a_row(), ""),
        (a_row(auto_trade=False), "auto_trade is off"),
        (a_row(auto_trade_until=NOON + timedelta(seconds=1)), ""),
        (a_row(auto_trade_until=NOON), "auto_trade ended at 12:00:00 UTC"),
        (a_row(auto_trade=False, updated_at=NOON - timedelta(seconds=1)), ""),
    ],
    ids=["not read", "on", "off", "to end", "ended", "off before the decision"],
)
async def test_what_was_decided_live_is_sent_while_auto_trade_is_on(
    watch: HaltWatch, row: dict[str, Any] | None, ended: str
) -> None:
    rows = Rows()
    rows.config = row
    await look(watch, rows)

    assert watch.live_ended(an_applied_config(auto_trade=True, updated_at=NOON), NOON) == ended


async def test_the_end_of_the_decision_itself_counts_until_a_later_one_is_read(watch: HaltWatch) -> None:
    config = an_applied_config(auto_trade=True, auto_trade_until=NOON, updated_at=NOON)
    before = watch.live_ended(config, NOON)
    rows = Rows()
    rows.config = a_row(auto_trade_until=NOON + timedelta(hours=1))
    await look(watch, rows)

    assert (before, watch.live_ended(config, NOON)) == ("auto_trade ended at 12:00:00 UTC", "")
