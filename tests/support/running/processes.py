"""Our own processes, started as an operator starts them and ended as the world ends them."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.servers.ports import free_ports
from tests.support.running.starting import Process, Starting, forked
from tests.waiting import eventually

READY_SECONDS = 60
STOP_SECONDS = 10
OURS = "SNIPER_"
SHOWN_MAX: Final = 8000
"""How many characters of its log are shown where a test fails."""


@dataclass(slots=True)
class Sniper:
    """One `sniper` process."""

    process: Process
    metrics_port: int
    log: Path

    async def get(self, path: str) -> httpx.Response:
        """Ask the process about itself: /metrics, /livez, /readyz."""
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=2) as client:
            return await client.get(f"http://127.0.0.1:{self.metrics_port}{path}")

    async def is_ready(self) -> bool:
        """Tell whether /readyz says so; a process that ended is an error."""
        if self.process.returncode is not None:
            raise RuntimeError(f"ended with {self.process.returncode}: {self.log.read_text()[-2000:]}")
        try:
            return (await self.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    async def ready(self) -> None:
        await eventually(self.is_ready, within_seconds=READY_SECONDS, every_seconds=0.05)

    async def cpu_seconds(self) -> float:
        """Return how much it has computed, by its own account."""
        found = re.search(r"^process_cpu_seconds_total (\S+)", (await self.get("/metrics")).text, re.MULTILINE)
        assert found is not None
        return float(found.group(1))

    def last_words(self) -> str:
        """Return the end of its log, which says why where a test fails."""
        return f"--- {self.log.name}\n{self.log.read_text(errors='replace')[-SHOWN_MAX:]}"

    async def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        await self.process.wait()

    async def stop(self, signum: int = signal.SIGTERM, *, within_seconds: float = STOP_SECONDS) -> int:
        """Ask it to stop and return its exit code; TimeoutError when it needs longer than that."""
        self.process.send_signal(signum)
        async with asyncio.timeout(within_seconds):
            return await self.process.wait()


@asynccontextmanager
async def sniper(
    *arguments: str, environment: Mapping[str, str], directory: Path, start: Starting = forked, program: str = "cli"
) -> AsyncIterator[Sniper]:
    """Run `sniper`, or a *program* like it, with these arguments; it is gone at the end of the block in any case."""
    [metrics_port] = free_ports(1)
    log = directory / f"{'-'.join(arguments)}-{metrics_port}.log"
    with log.open("wb") as output:
        process = await start(
            *(program, *arguments),
            environment=clean() | {"SNIPER_METRICS_PORT": str(metrics_port)} | dict(environment),
            directory=directory,
            stdout=output.fileno(),
            stderr=output.fileno(),
        )
    running = Sniper(process, metrics_port, log)
    try:
        yield running
    except BaseException:
        print(running.last_words())  # noqa: T201 - shown where a test fails
        raise
    finally:
        if process.returncode is None and "up" in arguments:
            with suppress(TimeoutError):
                await running.stop()  # A PostgreSQL that it started survives a kill.
        if process.returncode is None:
            await running.kill()


class Cluster:
    """Each service in a process of its own, as in production; a dead one can be started again."""

    services: Final = ("ingest", "dedup", "executor", "persister")

    def __init__(self, stack: AsyncExitStack, environment: Mapping[str, str], directory: Path) -> None:
        self._stack = stack
        self._environment = environment
        self._directory = directory
        self._running: dict[str, Sniper] = {}

    def __getitem__(self, name: str) -> Sniper:
        return self._running[name]

    async def start(self, name: str) -> Sniper:
        """Start a service that is not running, and return once it is ready."""
        one = sniper("run", name, environment=self._environment, directory=self._directory)
        self._running[name] = await self._stack.enter_async_context(one)
        await self._running[name].ready()
        return self._running[name]


@asynccontextmanager
async def cluster(environment: Mapping[str, str], directory: Path) -> AsyncIterator[Cluster]:
    """Run the whole pipeline, ready."""
    async with AsyncExitStack() as stack:
        running = Cluster(stack, environment, directory)
        await asyncio.gather(*(running.start(name) for name in Cluster.services))
        yield running


def clean() -> dict[str, str]:
    """Return the environment without what the developer's shell set for us."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
