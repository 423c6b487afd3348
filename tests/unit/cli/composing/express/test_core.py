"""A process that stays on one core, and one that never leaves it."""

import asyncio
import os
import selectors
import threading

import pytest

from cli.composing import services
from cli.composing.express.core import require, spin, stay_on
from cli.composing.express.settings import ExpressSettings
from shared.errors import SettingsError
from shared.settings import load

NO_CORE = 4095


def test_a_core_that_there_is_none_of_is_a_bad_setting() -> None:
    with pytest.raises(SettingsError, match=f"SNIPER_EXPRESS_CORE: .* {NO_CORE} .*allowed: "):
        stay_on(NO_CORE)


def test_it_stays_on_the_core_it_is_given_and_without_one_where_it_is() -> None:
    allowed, found = os.sched_getaffinity(0), []

    def work() -> None:  # In a thread of its own, whose affinity is nobody else's.
        stay_on(None)
        found.append(os.sched_getaffinity(0))
        stay_on(max(allowed))
        found.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert found == [allowed, {max(allowed)}]


def test_preparing_it_checks_the_core_and_leaves_the_process_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a PostgreSQL that the process starts before its service would share the core that spins."""
    allowed, found = os.sched_getaffinity(0), []
    monkeypatch.setenv("SNIPER_EXPRESS_CORE", str(max(allowed)))

    def work() -> None:
        services.prepare([services.EXPRESS])
        found.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert found == [allowed]
    with pytest.raises(SettingsError, match="SNIPER_EXPRESS_CORE"):
        require(NO_CORE)


class RecordingSelector(selectors.DefaultSelector):
    """A selector that records how long the loop would have slept."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts: list[float | None] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.timeouts.append(timeout)
        return super().select(timeout)


def test_a_spinning_loop_never_sleeps_and_ends_with_its_event() -> None:
    selector, until = RecordingSelector(), asyncio.Event()

    async def main() -> None:
        asyncio.get_running_loop().call_later(0.01, until.set)
        selector.timeouts.clear()
        await spin(until)

    loop = asyncio.SelectorEventLoop(selector)
    loop.run_until_complete(main())
    slept = set(selector.timeouts)
    loop.close()

    assert slept == {0}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SNIPER_EXPRESS_REHEARSAL_SECONDS", "0"),
        ("SNIPER_EXPRESS_REHEARSAL_SECONDS", "nan"),
        ("SNIPER_EXPRESS_SPIN", "perhaps"),
        ("SNIPER_EXPRESS_CORE", "-1"),
        ("SNIPER_EXPRESS_CORE", "one"),
    ],
)
def test_a_bad_setting_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError, match=variable):
        load(ExpressSettings)


def test_the_way_is_rehearsed_more_often_where_the_loop_spins() -> None:
    usual, spinning = ExpressSettings(), ExpressSettings(express_spin=True)

    assert (usual.rehearsed_every_seconds, spinning.rehearsed_every_seconds) == (0.1, 0.01)
