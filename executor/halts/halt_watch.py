"""Halt watch: the halts by database, file and signal, and auto_trade, in memory so that orders need no query."""

import asyncio
import math
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Never, Protocol

import structlog
from asyncpg import Record

from executor.halts.halt_causes import HaltCause, latch
from executor.settings import LimitSettings
from shared.control.halts import Halt, halts_in_force
from shared.errors import TransientError, each_isolated, pause
from shared.events import AppliedConfig, Mode
from shared.mexc.time.clock_estimate import boot_seconds
from shared.postgres.database import Connection, Database

log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 0.05
"""A halt is known after the second poll at the latest: the first may be under way when it is committed."""
FRESH_SECONDS: Final = 2.0
"""Halts that were read longer ago count as unknown, and unknown means no order."""
ANSWER_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 0.25
NEVER: Final = datetime.min.replace(tzinfo=UTC)
AUTO_TRADE: Final = "SELECT auto_trade, auto_trade_until, updated_at FROM trade_config WHERE id = 1"
UNREADABLE: Final = "halt state unreadable"
FILE_NAME: Final = "halt"


class SaleHalts(Protocol):
    def exits_halted(self) -> str:
        """Return the reason of a halt of sales; empty without one."""


class Halts(SaleHalts, Protocol):
    config_changed_at: datetime
    """Last change of the configuration that was read: without one since a decision, that still holds."""

    def buys_halted(self, mode: Mode) -> str:
        """Return the reason of a halt of purchases in *mode*; empty without one."""

    def live_ended(self, decided_by: AppliedConfig, now: datetime) -> str:
        """Return why nothing is bought live at *now* that was *decided_by* a config; empty while auto_trade is on."""


@dataclass(frozen=True, slots=True, eq=False)
class _RaisedHalt:
    """A halt that no row holds yet."""

    cause: HaltCause
    mode: Mode | None
    reason: str


class HaltWatch:
    """A halt holds by its row. Until that is committed it is held here, also while the database is away."""

    def __init__(self, database: Database, file: Path, *, clock: Callable[[], float] = boot_seconds) -> None:
        self._database = database
        self._file = file
        self._clock = clock
        self._raised: dict[tuple[HaltCause, Mode | None], _RaisedHalt] = {}
        self._by_file = ""
        self._found: Sequence[Halt] = ()
        self._auto_trade: Record | None = None
        self.config_changed_at = NEVER
        self._read_at = -math.inf
        self._hurry = asyncio.Event()
        self._away = False
        self.was_read = asyncio.Event()

    def buys_halted(self, mode: Mode) -> str:
        """Return the reason of a halt of purchases in *mode*; empty without one."""
        for raised in self._raised.values():
            if raised.mode in {None, mode}:
                return f"{raised.cause}: {raised.reason}"
        if self._by_file:
            return f"{HaltCause.FILE}: {self._by_file}"
        return self._reason(lambda halt: halt.mode in {None, mode})

    def exits_halted(self) -> str:
        """Return the reason of a halt of sales; empty without one."""
        return self._reason(lambda halt: halt.exits)

    def live_ended(self, decided_by: AppliedConfig, now: datetime) -> str:
        """Return why nothing is bought live at *now* that was *decided_by* a config; empty while auto_trade is on.

        The later of that config and the last one read counts.
        """
        latest = self._auto_trade
        is_on, until = decided_by.auto_trade, decided_by.auto_trade_until
        if latest is not None and latest["updated_at"] >= decided_by.updated_at:
            is_on, until = latest["auto_trade"], latest["auto_trade_until"]
        if not is_on:
            return "auto_trade is off"
        return f"auto_trade ended at {until:%H:%M:%S} UTC" if until is not None and now >= until else ""

    def halt(self, cause: HaltCause, mode: Mode | None, reason: str) -> None:
        """Halt purchases in *mode* (None: in both) now; the row follows as soon as the database takes it."""
        log.error("halting", cause=cause, mode=mode, reason=reason)
        self._raised[cause, mode] = _RaisedHalt(cause, mode, reason)
        self._hurry.set()

    def halt_by_signal(self) -> None:
        """Halt purchases now."""
        self.halt(HaltCause.SIGNAL, None, "SIGUSR1")

    def look_for_file(self) -> None:
        """Halt purchases now if the halt file exists; while it does, a resume has no effect."""
        try:
            self._by_file = f"{self._file} exists" if self._file.exists() else ""
        except OSError as error:
            self._by_file = f"{self._file}: {error.strerror}"
        latched = (HaltCause.FILE, None) in self._raised or any(halt.cause == HaltCause.FILE for halt in self._found)
        if self._by_file and not latched:
            self.halt(HaltCause.FILE, None, self._by_file)

    async def look(self, connection: Connection) -> None:
        """Latch the halts raised here, and read those in force."""
        raised = list(self._raised.values())
        faulty: list[_RaisedHalt] = []
        await each_isolated(
            raised,
            lambda each: latch(connection, each.cause, each.mode, each.reason),
            failed=lambda each, _: faulty.append(each),  # It holds here, and is latched again.
        )
        asked_at = self._clock()
        self._auto_trade = await connection.fetchrow(AUTO_TRADE)
        self.config_changed_at = NEVER if self._auto_trade is None else self._auto_trade["updated_at"]
        self._found = await halts_in_force(connection)
        self._read_at, self._away = asked_at, False
        self.was_read.set()
        for each in raised:
            # Not where it was raised once more meanwhile: the latched one may have been lifted already.
            if each not in faulty and self._raised.get((each.cause, each.mode)) is each:
                del self._raised[each.cause, each.mode]

    async def poll_forever(self) -> Never:
        """Poll on a connection of its own, until cancelled."""
        while True:
            try:
                async with self._database.connection() as connection:
                    while True:
                        async with asyncio.timeout(ANSWER_SECONDS):
                            await self.look(connection)
                        await pause(POLL_SECONDS, self._hurry)
                        self._hurry.clear()
            except TransientError as error:
                if not self._away:
                    log.warning("halts cannot be read, so nothing will be traded", reason=str(error))
                self._away = True
            except Exception:
                log.exception("halts were not read")  # The last result ages, and then nothing is traded.
            await asyncio.sleep(RETRY_SECONDS)

    async def poll_file_forever(self) -> Never:
        """Poll the halt file, whatever the database does, until cancelled."""
        while True:
            self.look_for_file()
            await asyncio.sleep(POLL_SECONDS)

    def _reason(self, applies: Callable[[Halt], bool]) -> str:
        if self._clock() - self._read_at > FRESH_SECONDS:
            return UNREADABLE
        return next((str(halt) for halt in self._found if applies(halt)), "")


@asynccontextmanager
async def watching_halts(database: Database, settings: LimitSettings, data_dir: Path) -> AsyncIterator[HaltWatch]:
    """Watch for the time of the block; read the halts in force before it, if the database answers in time."""
    watch = HaltWatch(database, settings.halt_file or data_dir / FILE_NAME)
    watch.look_for_file()
    with _on_signal(watch.halt_by_signal):
        async with asyncio.TaskGroup() as tasks:
            looking = (
                tasks.create_task(watch.poll_forever(), name="halt watch"),
                tasks.create_task(watch.poll_file_forever(), name="halt file watch"),
            )
            await pause(FRESH_SECONDS, watch.was_read)
            try:
                yield watch
            finally:
                for task in looking:
                    task.cancel()


@contextmanager
def _on_signal(act: Callable[[], None]) -> Iterator[None]:
    """Handle SIGUSR1 by *act*; only in the main thread, which receives signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, act)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)
