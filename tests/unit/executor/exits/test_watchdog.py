"""Whether positions are watched, as their health tells it."""

import asyncio

import pytest

from executor.exits.watchdog import Watchdog, overdue_seconds
from executor.settings import ExitSettings
from shared.events import HealthStatus, utc_now
from shared.process.heartbeat import Component
from tests.waiting import eventually

OVERDUE = 10.0


class Watch:
    """A watchdog on a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.component = Component("exits")
        self.watchdog = Watchdog(self.component, overdue_seconds=OVERDUE, clock=lambda: self.now)

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.watchdog.report()

    def says(self) -> tuple[HealthStatus, str]:
        report = self.component.report(utc_now())
        return report.status, report.detail


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_before_the_first_look_nothing_is_watched(watch: Watch) -> None:
    assert watch.says() == (HealthStatus.DEGRADED, "positions are not watched yet")

    watch.later(OVERDUE + 1)

    assert watch.says()[0] is HealthStatus.ERROR


def test_a_good_look_is_all_it_takes_for_a_while(watch: Watch) -> None:
    watch.watchdog.looked({"A"}, set())
    watch.later(OVERDUE)

    assert watch.says() == (HealthStatus.RUNNING, "")
    assert watch.watchdog.age_seconds() == OVERDUE


def test_a_loop_that_hangs_is_told_without_its_help(watch: Watch) -> None:
    watch.watchdog.looked(set(), set())
    watch.later(OVERDUE + 0.1)

    assert watch.says() == (HealthStatus.ERROR, "positions are not watched")


def test_a_failure_is_told_at_once_and_gets_worse(watch: Watch) -> None:
    watch.watchdog.looked({"A"}, set())
    watch.watchdog.failed("database away")
    early = watch.says()
    watch.later(OVERDUE + 1)

    assert early == (HealthStatus.DEGRADED, "database away")
    assert watch.says() == (HealthStatus.ERROR, "positions are not watched: database away")


def test_a_position_that_cannot_be_looked_at_is_overdue_though_others_are_fine(watch: Watch) -> None:
    watch.watchdog.looked({"A", "B"}, set())
    for _ in range(11):
        watch.later(1)
        watch.watchdog.looked({"A"}, {"B"})

    assert watch.says() == (HealthStatus.DEGRADED, "1 positions are not watched: B")
    assert watch.watchdog.age_seconds() == 11

    watch.watchdog.looked({"A", "B"}, set())

    assert watch.says() == (HealthStatus.RUNNING, "")


def test_a_position_that_is_new_or_gone_is_not_overdue(watch: Watch) -> None:
    watch.watchdog.looked(set(), {"B"})
    watch.later(OVERDUE)
    watch.watchdog.looked(set(), {"C"})

    assert watch.says() == (HealthStatus.RUNNING, "")


def test_an_objection_is_told_until_a_look_has_none(watch: Watch) -> None:
    watch.watchdog.looked({"A"}, set(), "sales are halted: operator")
    halted = watch.says()
    watch.watchdog.looked({"A"}, set())

    assert halted == (HealthStatus.DEGRADED, "sales are halted: operator")
    assert watch.says()[0] is HealthStatus.RUNNING


def test_an_end_with_open_positions_is_no_goodbye(watch: Watch) -> None:
    watch.watchdog.looked({"A"}, set())
    watch.watchdog.end()
    watch.component.report_shutdown()

    assert watch.says() == (HealthStatus.ERROR, "stopped, and 1 positions are not watched")


def test_an_end_without_positions_is(watch: Watch) -> None:
    watch.watchdog.looked({"A"}, set())
    watch.watchdog.looked(set(), set())
    watch.watchdog.end()
    watch.component.report_shutdown()

    assert watch.says() == (HealthStatus.STOPPED, "")


async def test_it_judges_by_itself_until_told_to_stop(watch: Watch) -> None:
    watch.watchdog.looked(set(), set())
    watch.now += OVERDUE + 1
    until = asyncio.Event()
    keeping = asyncio.create_task(watch.watchdog.run(until))
    await eventually(lambda: watch.says()[0] is HealthStatus.ERROR)
    until.set()

    async with asyncio.timeout(10):
        await keeping


def test_slow_looks_are_given_more_time() -> None:
    assert overdue_seconds(ExitSettings()) == OVERDUE
    assert overdue_seconds(ExitSettings(exit_check_seconds=30)) == 150


def test_positions_that_are_not_watched_are_counted(watch: Watch) -> None:
    watch.watchdog.looked({"A", "B"}, set())
    watch.later(OVERDUE)
    watch.watchdog.looked({"A"}, {"B"})
    watch.later(1)

    assert watch.watchdog.overdue_count() == 1

    watch.later(OVERDUE)

    assert watch.watchdog.overdue_count() == 2
