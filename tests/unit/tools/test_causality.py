"""The way back from one moment to another: over hand-made runs, and in a real loop."""

import asyncio
import json
from collections.abc import Sequence
from types import FrameType

import pytest

from shared.errors import pause
from shared.events import fields
from shared.events.fields import is_symbol
from tests.tools.causality import Segment, caused, way
from tests.tools.tracing import Called, Mark, Run, TracedLoop, Tracer

CODE = is_symbol.__code__


class Runs:
    """Makes runs, each with one call at the position that is its index times ten."""

    def __init__(self) -> None:
        self.made: list[Run] = []

    def add(self, parent: Run | None = None, before: Run | None = None, *, is_step: bool = True, at: int = 0) -> Run:
        index = len(self.made)
        scheduled_at = at or (0 if parent is None else parent.index * 10 + 5)
        run = Run(index, parent, scheduled_at, before, is_step, [Called(index * 10, CODE)])
        self.made.append(run)
        return run


def mark(run: Run) -> Mark:
    return Mark("moment", run, run.index * 10, ())


def indices(segments: Sequence[Segment]) -> list[int]:
    return [each.run.index for each in segments if list(each.codes())]


def test_what_was_scheduled_leads_back_to_what_scheduled_it() -> None:
    runs = Runs()
    first = runs.add()
    runs.add()
    last = runs.add(runs.add(first))

    assert indices(way(runs.made, mark(first), mark(last))) == [0, 2, 3]


def test_a_step_that_a_socket_woke_follows_from_the_step_before() -> None:
    runs = Runs()
    first = runs.add()
    brought = runs.add(is_step=False)
    last = runs.add(brought, before=first)

    assert indices(way(runs.made, mark(first), mark(last))) == [0, 1, 2]


def test_a_lock_that_another_task_gave_up_does_not_lead_astray() -> None:
    runs = Runs()
    first, other = runs.add(), runs.add()
    last = runs.add(other, before=first)

    assert indices(way(runs.made, mark(first), mark(last))) == [0, 2]


def test_what_was_scheduled_before_the_start_does_not_follow_from_it() -> None:
    runs = Runs()
    first = runs.add()
    last = runs.add(first, at=5)

    assert way(runs.made, Mark("start", first, 8, ()), mark(last)) == ()


def test_two_moments_that_have_nothing_to_do_with_each_other_have_no_way() -> None:
    runs = Runs()

    assert way(runs.made, mark(runs.add()), mark(runs.add())) == ()


def test_a_callback_on_the_way_belongs_to_it_and_a_task_beside_does_not() -> None:
    runs = Runs()
    first = runs.add()
    runs.add(first, is_step=False, at=1)
    runs.add(first, at=2)
    last = runs.add(first, at=3)

    assert indices(way(runs.made, mark(first), mark(last))) == [0, 1, 3]
    assert indices(caused(runs.made, mark(first), mark(last))) == [0, 1, 2, 3]


def test_an_old_task_that_was_woken_causes_nothing_by_what_it_does_later() -> None:
    runs = Runs()
    pump, first = runs.add(), runs.add()
    woken = runs.add(first, before=pump)
    runs.add(before=woken)
    last = runs.add(first)

    assert indices(caused(runs.made, mark(first), mark(last))) == [1, 2, 4]


def recognised(frame: FrameType) -> str:
    if frame.f_code is is_symbol.__code__:
        return "start"
    return "end" if frame.f_code is json.dumps.__code__ else ""


async def start_and_end() -> None:
    """Call two functions in different tasks, the second of which waits for the first."""
    called = asyncio.Event()

    async def follow() -> None:
        await pause(60, called)
        json.dumps({})

    following = asyncio.create_task(follow())
    await asyncio.sleep(0)
    fields.is_symbol("BTCUSDT")
    called.set()
    await following


def test_a_real_loop_leads_from_one_task_to_another() -> None:
    tracer = Tracer(recognised)
    with asyncio.Runner(loop_factory=lambda: TracedLoop(tracer)) as runner:

        async def traced() -> None:
            with tracer.armed():
                await asyncio.create_task(start_and_end())

        runner.run(traced())

    [start, end] = tracer.marks
    names = [code.co_name for segment in way(tracer.runs, start, end) for code in segment.codes()]
    assert names[0] == "is_symbol"
    assert "pause" in names
    assert start.run is not end.run


@pytest.mark.parametrize("is_armed", [True, False])
def test_the_loop_runs_what_it_would_run_anyway(is_armed: bool) -> None:
    tracer = Tracer(lambda _: "")
    tracer.is_armed = is_armed
    with asyncio.Runner(loop_factory=lambda: TracedLoop(tracer)) as runner:
        assert runner.run(asyncio.wait_for(asyncio.to_thread(int, "7"), timeout=30)) == 7
