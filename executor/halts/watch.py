"""Whether trading is halted, known at every moment without asking: the database, a file and a signal say so."""

import asyncio
import math
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Never

import structlog

from executor.halts.latches import Cause, latch
from executor.settings import LimitSettings
from shared.backoff import pause
from shared.control.halts import Halt, halts_in_force
from shared.errors import TransientError
from shared.events import Mode
from shared.isolation import each_isolated
from shared.postgres.database import Connection, Database

log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 0.05
"""A halt is known at the second look at the latest: the first may be under way when it is committed."""
FRESH_SECONDS: Final = 2.0
"""What was read longer ago is not believed, and unknown means no order."""
ANSWER_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 0.25
UNREADABLE: Final = "halt state unreadable"
FILE_NAME: Final = "halt"


@dataclass(frozen=True, slots=True, eq=False)
class _Raised:
    """A halt that no row holds yet."""

    cause: Cause
    mode: Mode | None
    reason: str


class HaltWatch:
    """What holds a halt is its row. Until that is committed it is held here, also when the database is away."""

    def __init__(self, database: Database, file: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._file = file
        self._clock = clock
        self._raised: dict[tuple[Cause, Mode | None], _Raised] = {}
        self._by_file = ""
        self._found: Sequence[Halt] = ()
        self._read_at = -math.inf
        self._hurry = asyncio.Event()
        self._away = False
        self.was_read = asyncio.Event()

    def buys_halted(self, mode: Mode) -> str:
        """Return why nothing may be bought in *mode*; empty where it may."""
        for raised in self._raised.values():
            if raised.mode in {None, mode}:
                return f"{raised.cause}: {raised.reason}"
        if self._by_file:
            return f"{Cause.FILE}: {self._by_file}"
        return self._why(lambda halt: halt.mode in {None, mode})

    def exits_halted(self) -> str:
        """Return why nothing may be sold; empty where it may."""
        return self._why(lambda halt: halt.exits)

    def halt(self, cause: Cause, mode: Mode | None, reason: str) -> None:
        """Halt purchases in *mode* (None: in both) now; the row follows as soon as the database takes it."""
        log.error("halting", cause=cause, mode=mode, reason=reason)
        self._raised[cause, mode] = _Raised(cause, mode, reason)
        self._hurry.set()

    def halt_by_signal(self) -> None:
        """Halt purchases now."""
        self.halt(Cause.SIGNAL, None, "SIGUSR1")

    def look_for_file(self) -> None:
        """Halt purchases now if the file is there; while it is, nobody can resume."""
        self._by_file = _objection(self._file)
        latched = (Cause.FILE, None) in self._raised or any(halt.cause == Cause.FILE for halt in self._found)
        if self._by_file and not latched:
            self.halt(Cause.FILE, None, self._by_file)

    async def look(self, connection: Connection) -> None:
        """Latch what is raised and read what is in force."""
        raised = list(self._raised.values())
        faulty: list[_Raised] = []
        await each_isolated(
            raised,
            lambda each: latch(connection, each.cause, each.mode, each.reason),
            failed=lambda each, _: faulty.append(each),  # It holds here all the same, and is latched again.
        )
        asked_at = self._clock()
        self._found = await halts_in_force(connection)
        self._read_at, self._away = asked_at, False
        self.was_read.set()
        for each in raised:
            # Not where it was raised once more meanwhile: what was latched may have been lifted already.
            if each not in faulty and self._raised.get((each.cause, each.mode)) is each:
                del self._raised[each.cause, each.mode]

    async def keep_looking(self) -> Never:
        """Look again and again, on a connection of its own, until cancelled."""
        while True:
            try:
                async with self._database.connection() as connection:
                    while True:
                        async with asyncio.timeout(ANSWER_SECONDS):
                            await self.look(connection)
                        await pause(POLL_SECONDS, self._hurry)
                        self._hurry.clear()
            except TransientError as error:
                self._tell_away(error)
            except Exception:
                log.exception("halts were not read")  # What was read grows old, and then nothing is traded.
            await asyncio.sleep(RETRY_SECONDS)

    async def keep_looking_for_file(self) -> Never:
        """Look for the file again and again, whatever the database does, until cancelled."""
        while True:
            self.look_for_file()
            await asyncio.sleep(POLL_SECONDS)

    def _why(self, applies: Callable[[Halt], bool]) -> str:
        if self._clock() - self._read_at > FRESH_SECONDS:
            return UNREADABLE
        return next((str(halt) for halt in self._found if applies(halt)), "")

    def _tell_away(self, error: TransientError) -> None:
        if not self._away:
            log.warning("halts cannot be read, so nothing will be traded", reason=str(error))
        self._away = True


def _objection(file: Path) -> str:
    """Say that *file* is there, or that nobody knows; empty where it is not."""
    try:
        return f"{file} exists" if file.exists() else ""
    except OSError as error:
        return f"{file}: {error.strerror}"


@asynccontextmanager
async def watching_halts(database: Database, settings: LimitSettings, data_dir: Path) -> AsyncIterator[HaltWatch]:
    """Watch for the time of the block; what is in force is read before, if the database answers in time."""
    watch = HaltWatch(database, settings.halt_file or data_dir / FILE_NAME)
    watch.look_for_file()
    with _on_signal(watch.halt_by_signal):
        async with asyncio.TaskGroup() as tasks:
            looking = (
                tasks.create_task(watch.keep_looking(), name="halt watch"),
                tasks.create_task(watch.keep_looking_for_file(), name="halt file watch"),
            )
            await pause(FRESH_SECONDS, watch.was_read)
            try:
                yield watch
            finally:
                for task in looking:
                    task.cancel()


@contextmanager
def _on_signal(act: Callable[[], None]) -> Iterator[None]:
    """Let SIGUSR1 act, where signals arrive: only the main thread is told of them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, act)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)
