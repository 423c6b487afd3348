"""Processes of ours: forked from one that has imported everything, or executed as an operator does.

A fork saves a second of imports. Tests of a start itself, of memory or of another build execute.
"""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final, Protocol

from tests.support.running.forked_program import IMPORTED, Start, run

FORKING: Final = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(
    [run.__module__, *IMPORTED, "tests.faults.executor_child", "tests.support.running.frozen_imports"]
)


class Process(Protocol):
    """A running program, as asyncio has it."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...

    def send_signal(self, signal: int) -> None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


class Starting(Protocol):
    """Start `python -m program` with these arguments; its streams are file descriptors."""

    async def __call__(
        self, program: str, *arguments: str, environment: Mapping[str, str], directory: Path, stdout: int, stderr: int
    ) -> Process: ...


async def executed(
    program: str, *arguments: str, environment: Mapping[str, str], directory: Path, stdout: int, stderr: int
) -> Process:
    """Start it in an interpreter of its own."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", program, *arguments), env=environment, cwd=directory, stdout=stdout, stderr=stderr
    )


async def forked(
    program: str, *arguments: str, environment: Mapping[str, str], directory: Path, stdout: int, stderr: int
) -> Process:
    """Start it in a fork of a process that has imported it."""
    with Connection(os.dup(stdout)) as output, Connection(os.dup(stderr)) as errors:
        start = Start(program, arguments, dict(environment), directory, output, errors)
        process = FORKING.Process(target=run, args=(start,), daemon=True)
        await asyncio.to_thread(process.start)
    return Forked(process)


class Forked:
    """A forked process; await its end in the loop that started it."""

    def __init__(self, process: ForkServerProcess) -> None:
        assert process.pid is not None
        self.pid = process.pid
        self.returncode: int | None = None
        self._process = process
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(process.sentinel, self._end)

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, signal: int) -> None:
        if self._process.exitcode is None:
            os.kill(self.pid, signal)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def _end(self) -> None:
        self._loop.remove_reader(self._process.sentinel)
        self.returncode = self._process.exitcode
        self._process.close()
        self._ended.set()
