"""Trace which own functions run, in an event loop that remembers what scheduled each of its turns.

A *run* is one turn: a step of a task, a callback, or a reader's news from a socket. It knows the run that scheduled it
and, if it is a step, the step before it: `tests.tools.causality` follows them back, across tasks.
"""

import asyncio
import dis
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from functools import cache
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple, TypeVarTuple

from tests.tools.sources import GENERATED, PACKAGES, ROOT

NOT_TRACED: Final = frozenset({"bench", "simulator"})
"""Own packages that play the exchange."""
_PREFIXES: Final = tuple(f"{ROOT / package}/" for package in PACKAGES if package not in NOT_TRACED)
Arguments = TypeVarTuple("Arguments")


class Called(NamedTuple):
    """A function that was called, and when among all that was."""

    position: int
    code: CodeType


@dataclass(eq=False, slots=True)
class Run:
    """One turn of the loop."""

    index: int
    parent: "Run | None"
    """The run that scheduled this one; None for what a socket brought."""
    scheduled_at: int
    """Position in *parent* at which it did."""
    before: "Run | None"
    """The step of the same task before this one."""
    is_step: bool
    calls: list[Called] = field(default_factory=list)


@dataclass(frozen=True, eq=False, slots=True)
class Mark:
    """A moment that was looked for."""

    name: str
    run: Run
    position: int
    stack: Sequence[FrameType]
    """Own functions under way, innermost first."""


Recognise = Callable[[FrameType], str]
"""Names the moment at which a function is called; empty for any other."""


class Tracer:
    """Keeps the runs of one sample, and the moments that *recognise* names."""

    def __init__(self, recognise: Recognise) -> None:
        self._recognise = recognise
        self._last_steps: dict[asyncio.Task[Any], Run] = {}
        self._current: Run | None = None
        self._position = 0
        self.runs: list[Run] = []
        self.marks: list[Mark] = []
        self.is_armed = False

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Trace while the block runs, from nothing."""
        self._last_steps.clear()
        self.runs.clear()
        self.marks.clear()
        before = sys.getprofile()
        self.is_armed = True
        sys.setprofile(self._profile)
        try:
            yield
        finally:
            sys.setprofile(before)
            self.is_armed = False
            self._current = None

    def scheduled(self, callback: Callable[[*Arguments], object]) -> Callable[[*Arguments], object]:
        """Return *callback* as a run that the current run schedules."""
        return self._as_run(callback, self._current) if self.is_armed else callback

    def from_outside(self, callback: Callable[[*Arguments], object]) -> Callable[[*Arguments], object]:
        """Return *callback* as a run that a socket or another thread brings about."""
        return self._as_run(callback, None)

    def _as_run(self, callback: Callable[[*Arguments], object], parent: Run | None) -> Callable[[*Arguments], object]:
        scheduled_at = self._next_position()
        task = getattr(callback, "__self__", None)

        def run(*args: *Arguments) -> object:
            if not self.is_armed:
                return callback(*args)
            outer, self._current = self._current, self._begun(parent, scheduled_at, task)
            try:
                return callback(*args)
            finally:
                self._current = outer

        return run

    def _begun(self, parent: Run | None, scheduled_at: int, task: object) -> Run:
        is_step = isinstance(task, asyncio.Task)
        before = self._last_steps.get(task) if isinstance(task, asyncio.Task) else None
        begun = Run(len(self.runs), parent, scheduled_at, before, is_step)
        self.runs.append(begun)
        if isinstance(task, asyncio.Task):
            self._last_steps[task] = begun
        return begun

    def _next_position(self) -> int:
        self._position += 1
        return self._position

    def _profile(self, frame: FrameType, event: str, _: object) -> None:
        run = self._current
        if run is None or event not in {"call", "c_call"}:
            return
        if event == "c_call":
            self._note(run, frame)
        elif is_fresh(frame):
            if frame.f_back is not None:
                self._note(run, frame.f_back)
            self._note(run, frame)
            if name := self._recognise(frame):
                self.marks.append(Mark(name, run, self._position, own_stack(frame)))

    def _note(self, run: Run, frame: FrameType) -> None:
        code = frame.f_code
        if is_own(code) and not (run.calls and run.calls[-1].code is code):
            run.calls.append(Called(self._next_position(), code))


class TracedLoop(asyncio.SelectorEventLoop):
    """Hands everything that it is to run to a tracer first."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        super().__init__()

    def call_soon(
        self, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.Handle:
        return super().call_soon(self._tracer.scheduled(callback), *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return super().call_at(when, self._tracer.scheduled(callback), *args, context=context)

    def call_soon_threadsafe(
        self, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.Handle:
        return super().call_soon_threadsafe(self._tracer.from_outside(callback), *args, context=context)

    def _add_reader(self, fd: Any, callback: Callable[..., object], *args: Any) -> Any:
        return super()._add_reader(fd, self._tracer.from_outside(callback), *args)  # type: ignore[misc]


def is_fresh(frame: FrameType) -> bool:
    """Return whether *frame* begins, rather than goes on after a wait."""
    return frame.f_lasti <= _first_instruction(frame.f_code)


@cache
def _first_instruction(code: CodeType) -> int:
    """Return the offset at which the body of *code* begins."""
    begins = (each.offset for each in dis.get_instructions(code) if each.opname == "RESUME")
    return next(begins, 0)


@cache
def is_own(code: CodeType) -> bool:
    """Return whether *code* is a function of production code; comprehensions and lambdas belong to the one around."""
    file = code.co_filename
    return file.startswith(_PREFIXES) and file.rpartition("/")[2] not in GENERATED and not code.co_name.startswith("<")


def own_stack(frame: FrameType | None) -> Sequence[FrameType]:
    """Return the own functions that are under way in *frame*, innermost first."""
    found = []
    while frame is not None:
        if is_own(frame.f_code):
            found.append(frame)
        frame = frame.f_back
    return found
