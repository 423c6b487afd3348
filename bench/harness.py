"""Harness of the benchmarks: private servers and processes, which end with the run in any case."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.figures import BenchmarkError
from bench.sampling import Plan
from tests.servers import private_postgres_server, private_rabbitmq_server
from tests.servers.databases import PostgresServer
from tests.servers.guard import Guard, guarded
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.running.processes import Sniper, clean, sniper
from tests.support.running.starting import Process, Starting, executed

START_SECONDS: Final = 20.0
LOG_CHARACTERS: Final = 1_500
STAMPED: Final = "bench.stamping.ingest"


@dataclass(frozen=True, slots=True)
class Child:
    """A module of the benchmarks in a process of its own."""

    process: Process
    lines: asyncio.StreamReader
    """Its standard output."""


@dataclass(frozen=True, slots=True)
class Harness:
    """Servers, durable as in production where something is measured, and a directory for logs."""

    plan: Plan
    postgres: PostgresServer
    rabbitmq: RabbitMQServer
    guard: Guard
    directory: Path
    start: Starting = executed

    def database(self) -> str:
        """Return the URL of a new database with the newest schema."""
        return self.postgres.create_migrated_database()

    def broker(self) -> str:
        """Return the URL of a new, empty virtual host."""
        return self.rabbitmq.url_for(self.rabbitmq.create_vhost())

    def log_tails(self) -> str:
        """Return the ends of all logs, for diagnosis."""
        ends = ((log.name, log.read_text()[-LOG_CHARACTERS:]) for log in sorted(self.directory.glob("*.log")))
        return "\n".join(f"--- {name}\n{end}" for name, end in ends if end)

    @asynccontextmanager
    async def service(
        self, *arguments: str, environment: Mapping[str, str], stamped: bool = False
    ) -> AsyncIterator[Sniper]:
        """Run `sniper` with these arguments; yield it before it is ready. *stamped* has it log when frames came."""
        variables, program = {"PYTHONPATH": str(Path.cwd()), **environment}, STAMPED if stamped else "cli"
        async with sniper(
            *arguments, environment=variables, directory=self.directory, start=self.start, program=program
        ) as running:
            self.guard.watch("process", running.process.pid)
            try:
                yield running
            finally:
                if running.process.returncode is None:
                    await running.kill()
                self.guard.release("process", running.process.pid)

    @asynccontextmanager
    async def services(self, *names: str, environment: Mapping[str, str]) -> AsyncIterator[None]:
        """Run each of these services in a process of its own, all of them ready."""
        async with AsyncExitStack() as stack:
            running = [
                await stack.enter_async_context(self.service("run", name, environment=environment)) for name in names
            ]
            for service in running:
                await wait_until_ready(service)
            yield

    @asynccontextmanager
    async def floor(self, part: str, **options: str | int) -> AsyncIterator[Child]:
        """Run a part of the floor in a process of its own, ready."""
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        async with self.child("bench.floor", part, *arguments, environment={}) as process:
            yield process

    @asynccontextmanager
    async def child(self, module: str, *arguments: str, environment: Mapping[str, str]) -> AsyncIterator[Child]:
        """Run a module of the benchmarks in a process of its own, once it has reported ready."""
        name = f"{module}-{'-'.join(arguments[:1])}.log"
        async with _piped() as (writing, lines):
            with (self.directory / name).open("ab") as log, os.fdopen(writing, "wb") as output:
                process = await self.start(
                    *(module, *arguments),
                    environment=clean() | dict(environment),
                    directory=Path.cwd(),
                    stdout=output.fileno(),
                    stderr=log.fileno(),
                )
            self.guard.watch("process", process.pid)
            try:
                async with asyncio.timeout(START_SECONDS):
                    if await lines.readline() != b"ready\n":
                        raise BenchmarkError(f"{module} did not start")
                yield Child(process, lines)
            finally:
                if process.returncode is None:
                    process.kill()
                await process.wait()
                self.guard.release("process", process.pid)


@asynccontextmanager
async def _piped() -> AsyncIterator[tuple[int, asyncio.StreamReader]]:
    """Yield an end to write to, whose closing is the caller's, and what is written there."""
    reading, writing = os.pipe()
    lines = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(reading, "rb", buffering=0)
    )
    try:
        yield writing, lines
    finally:
        transport.close()


async def wait_until_ready(service: Sniper) -> None:
    """Wait for /readyz; raise BenchmarkError after a timeout, or if the process ended."""
    try:
        await service.ready()
    except (AssertionError, RuntimeError) as error:
        raise BenchmarkError(f"{service.log.name}: not ready: {error}") from error


@contextmanager
def open_harness(plan: Plan) -> Iterator[Harness]:
    """Start both servers concurrently; they end with the block."""
    with ExitStack() as stack, ThreadPoolExecutor(max_workers=1) as pool:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="sniper-bench-")))
        guard = stack.enter_context(guarded())
        guard.watch("directory", directory)
        starting = pool.submit(stack.enter_context, private_rabbitmq_server())
        postgres = stack.enter_context(private_postgres_server(durable=True))
        yield Harness(plan, postgres, starting.result(), guard, directory)
