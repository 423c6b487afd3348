"""Load on the API: sequential requests on kept-alive connections, and readers of the stream."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bench.figures import BenchmarkError, Figures, latency

ANSWER_SECONDS_MAX: Final = 10.0


@dataclass(frozen=True, slots=True)
class Target:
    """Port and token of requests."""

    port: int
    token: str = ""

    def request(self, path: str, *, accept: str = "*/*") -> bytes:
        """Return a complete GET."""
        authorization = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        host = f"Host: 127.0.0.1:{self.port}\r\n"
        return f"GET {path} HTTP/1.1\r\n{host}{authorization}Accept: {accept}\r\n\r\n".encode()


class Client:
    """One kept-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def get(self, request: bytes) -> bytes:
        """Send *request* and return the body of its answer; raise BenchmarkError unless that is a 200."""
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            self._writer.write(request)
            head = await self._reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head[:16]:
                raise BenchmarkError(f"the API answers {head[:200].decode(errors='replace')}")
            _, _, rest = head.lower().partition(b"content-length:")
            return await self._reader.readexactly(int(rest.partition(b"\r\n")[0]))

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def open_client(target: Target) -> AsyncIterator[Client]:
    """Yield a client on a connection of its own."""
    client = Client(*await asyncio.open_connection("127.0.0.1", target.port))
    try:
        yield client
    finally:
        client.close()


async def times_ms(target: Target, paths: Sequence[str], *, every_seconds: float = 0.0) -> list[float]:
    """Request *paths* one after another on one connection; return the time of each."""
    times = []
    async with open_client(target) as client:
        for path in paths:
            began = time.perf_counter()
            await client.get(target.request(path))
            times.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(every_seconds)
    return times


async def throughput(target: Target, path: str, *, clients: int, seconds: float) -> Figures:
    """Request on many connections as fast as answers come, at least once each; return the rate and the latencies."""
    end, times = time.perf_counter() + seconds, list[float]()
    request = target.request(path)

    async def ask() -> None:
        async with open_client(target) as client:
            while True:
                began = time.perf_counter()
                await client.get(request)
                answered = time.perf_counter()
                times.append((answered - began) * 1000)
                if answered >= end:
                    return

    began = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(clients)))
    found = latency(times)
    return Figures(found.p50_ms, found.p99_ms, per_s=len(times) / (time.perf_counter() - began))


@asynccontextmanager
async def open_dashboards(
    targets: Sequence[Target], count: int, opening: Sequence[str] = ()
) -> AsyncIterator[list[int]]:
    """Simulate *count* dashboards of *targets* in turn; yield the number of listings received by all of them together.

    Each requests the paths of *opening*, and then reads the stream.
    """
    seen, begun = [0], asyncio.Semaphore(0)

    async def watch(target: Target) -> None:
        await times_ms(target, opening)
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        try:
            writer.write(target.request("/events"))
            while chunk := await reader.read(65_536):
                if b"event: hello" in chunk:
                    begun.release()
                seen[0] += chunk.count(b"event: listing")
        finally:
            writer.close()

    watchers = [
        asyncio.create_task(watch(targets[number % len(targets)]), name=f"stream-{number}") for number in range(count)
    ]
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            for _ in watchers:
                await begun.acquire()
        yield seen
    finally:
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
