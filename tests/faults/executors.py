"""Executor processes for tests of faults: forked, watched, killed, stopped and continued."""

import asyncio
import dataclasses
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerProcess

from tests.faults import executor_child
from tests.faults.executor_child import HEARD, READY, STOPPING, Orders
from tests.faults.failpoints import require_points
from tests.support.running.starting import FORKING
from tests.waiting import eventually

START_SECONDS = 30
REACH_SECONDS = 20
END_SECONDS = 12


class ExecutorProcess:
    """One executor, with its log whatever happens to it."""

    def __init__(self, process: ForkServerProcess, pipe: Pipe, told: Orders) -> None:
        self._process = process
        self._pipe = pipe
        self._told = told
        self._reached: list[str] = []

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def passed(self) -> list[str]:
        """The points that were reached so far, in their order."""
        self.hear()
        return [point for point in self._reached if point not in {READY, STOPPING, HEARD}]

    def is_alive(self) -> bool:
        return self._process.is_alive()

    async def ready(self) -> None:
        await self.reaches(READY, within_seconds=START_SECONDS)

    async def reaches(self, point: str, *, within_seconds: float = REACH_SECONDS) -> None:
        """Return once *point* is reached; an executor that ended before is an error, and a point that there is not."""
        require_points(point)

        def reached() -> bool:
            self.hear()
            return point in self._reached or not self._process.is_alive()

        await eventually(reached, within_seconds=within_seconds)
        if point not in self._reached:
            raise AssertionError(f"ended with {self._process.exitcode} before {point!r}: {self.log()}")

    async def hold(self, *points: str) -> None:
        """Have it wait at *points* from now on, of which each counts anew."""
        require_points(*points)
        self.hear()
        self._reached.clear()
        self._pipe.send(frozenset(points))
        await self.reaches(HEARD)

    def go_on(self) -> None:
        """Let it pass whatever it waits at."""
        self._pipe.send(frozenset())

    def pause(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def signal(self, signum: int) -> None:
        os.kill(self.pid, signum)

    async def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        await self._ended()

    async def stop(self) -> int:
        """Ask it to stop and return its exit code; AssertionError when it needs longer than it may."""
        await self.told_to_stop()
        return await self.ends()

    async def told_to_stop(self) -> None:
        """Ask it to stop, and return when it knows."""
        self._process.terminate()
        await self.reaches(STOPPING)

    async def ends(self, *, within_seconds: float = END_SECONDS) -> int:
        await self._ended(within_seconds)
        assert self._process.exitcode is not None
        return self._process.exitcode

    def log(self) -> str:
        return self._told.log.read_text()[-4000:] if self._told.log.exists() else "no log"

    async def _ended(self, within_seconds: float = END_SECONDS) -> None:
        await eventually(lambda: not self._process.is_alive(), within_seconds=within_seconds)

    def hear(self) -> None:
        """Take in what it has said."""
        try:
            while self._pipe.poll():
                self._reached.append(self._pipe.recv())
        except (EOFError, ConnectionResetError):
            asyncio.get_running_loop().remove_reader(self._pipe.fileno())


@asynccontextmanager
async def executor_process(told: Orders) -> AsyncIterator[ExecutorProcess]:
    """Start an executor, which is not ready yet; it is gone at the end of the block."""
    require_points(*told.hold)
    ours, its = FORKING.Pipe()
    process = FORKING.Process(target=executor_child.run, args=(told, its), daemon=True)
    await asyncio.to_thread(process.start)
    its.close()
    running = ExecutorProcess(process, ours, told)
    # A process whose output is not read blocks.
    loop = asyncio.get_running_loop()
    loop.add_reader(ours.fileno(), running.hear)
    try:
        yield running
    finally:
        loop.remove_reader(ours.fileno())
        if process.is_alive():
            process.kill()
            await asyncio.to_thread(process.join, END_SECONDS)
        ours.close()
        process.close()


def holding(told: Orders, *points: str) -> Orders:
    """Return a copy with these points to wait at."""
    return dataclasses.replace(told, hold=frozenset(points))
