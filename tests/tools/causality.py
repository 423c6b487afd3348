"""Find how one moment of a trace led to another: back from run to run, across tasks and sockets."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Final

from tests.tools.tracing import Mark, Run

ENDLESS: Final = sys.maxsize


@dataclass(frozen=True, eq=False, slots=True)
class Segment:
    """Part of a run: from the call at *first* to before that at *end*."""

    run: Run
    first: int = 0
    end: int = ENDLESS

    def codes(self) -> Iterator[CodeType]:
        return (each.code for each in self.run.calls if self.first <= each.position < self.end)


def way(runs: Sequence[Run], start: Mark, end: Mark) -> Sequence[Segment]:
    """Return how *start* led to *end*, in the order of time; empty where it did not.

    A step that a run on the way scheduled follows from that, any other from the step before it. Callbacks that runs on
    the way scheduled belong to it where they ran before its end: nothing waits for them, and they make things ready.
    """
    reached = _reached(runs, start)
    back: list[Segment] = []
    run, cut = end.run, end.position + 1
    while run is not start.run:
        back.append(Segment(run, end=cut))
        if run.parent is not None and _follows(run, start, reached):
            run, cut = run.parent, run.scheduled_at
        elif run.before is not None and run.before in reached:
            back.extend(_brought(run))
            run, cut = run.before, ENDLESS
        else:
            return ()
    back.append(Segment(run, first=start.position, end=cut))
    return _with_callbacks(runs, back[::-1], end)


def _reached(runs: Sequence[Run], start: Mark) -> set[Run]:
    reached = {start.run}
    for run in runs[start.run.index + 1 :]:
        if _follows(run, start, reached) or run.before in reached:
            reached.add(run)
    return reached


def _follows(run: Run, start: Mark, reached: set[Run]) -> bool:
    """Return whether a run in *reached* scheduled *run*, and after *start*."""
    return run.parent in reached and (run.parent is not start.run or run.scheduled_at > start.position)


def _brought(run: Run) -> Iterator[Segment]:
    """Yield the runs that woke *run* with what a socket brought."""
    cut, source = run.scheduled_at, run.parent
    while source is not None and not source.is_step:
        yield Segment(source, end=cut)
        cut, source = source.scheduled_at, source.parent


def _with_callbacks(runs: Sequence[Run], segments: Sequence[Segment], end: Mark) -> Sequence[Segment]:
    on_way = {each.run: each for each in segments}
    for run in runs[: end.run.index]:
        parent = on_way.get(run.parent) if run.parent is not None else None
        if parent is not None and run not in on_way and not run.is_step and _lies_in(run.scheduled_at, parent):
            on_way[run] = Segment(run)
    return sorted(on_way.values(), key=lambda each: each.run.index)


def _lies_in(position: int, segment: Segment) -> bool:
    return segment.first <= position < segment.end


def caused(runs: Sequence[Run], start: Mark, end: Mark) -> Sequence[Segment]:
    """Return all that follows from *start* and runs before *end*, whether the end needs it or not."""
    found = {start.run: Segment(start.run, first=start.position)}
    own_tasks: set[Run] = set()
    for run in runs[start.run.index + 1 : end.run.index + 1]:
        parent = found.get(run.parent) if run.parent is not None else None
        is_scheduled = parent is not None and run.scheduled_at >= parent.first
        if is_scheduled or run.before in own_tasks:
            found[run] = Segment(run, end=end.position + 1)
        if run in found and (run.before is None or run.before in own_tasks):
            own_tasks.add(run)
    return list(found.values())
