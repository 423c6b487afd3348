"""Clients of the API: one request after another on kept connections, and streams that are read."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bench.errors import BenchmarkError
from bench.figures import Figures, latency

ANSWER_SECONDS_MAX: Final = 10.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go, and by which token."""

    port: int
    token: str = ""

    def request(self, path: str, *, accept: str = "*/*") -> bytes:
        """Return a whole GET."""
        authorization = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        host = f"Host: 127.0.0.1:{self.port}\r\n"
        return f"GET {path} HTTP/1.1\r\n{host}{authorization}Accept: {accept}\r\n\r\n".encode()


class Client:
    """One connection that is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def get(self, request: bytes) -> bytes:
        """Send *request* and return the body of its answer; raise BenchmarkError where that is no 200."""
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            self._writer.write(request)
            head = await self._reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head[:16]:
                raise BenchmarkError(f"the API answers {head[:200].decode(errors='replace')}")
            return await self._reader.readexactly(_length(head))

    def close(self) -> None:
        self._writer.close()


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0])


@asynccontextmanager
async def connected(target: Target) -> AsyncIterator[Client]:
    """Yield a client on a connection of its own."""
    client = Client(*await asyncio.open_connection("127.0.0.1", target.port))
    try:
        yield client
    finally:
        client.close()


async def times_ms(target: Target, paths: Sequence[str], *, every_seconds: float = 0.0) -> list[float]:
    """Ask for *paths* one after another on one connection; return how long each took."""
    times = []
    async with connected(target) as client:
        for path in paths:
            began = time.perf_counter()
            await client.get(target.request(path))
            times.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(every_seconds)
    return times


async def throughput(target: Target, path: str, *, clients: int, seconds: float) -> Figures:
    """Ask on many connections as fast as answers come, once each at least; return the rate and the times of answers."""
    end, times = time.perf_counter() + seconds, list[float]()
    request = target.request(path)

    async def ask() -> None:
        async with connected(target) as client:
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
async def watching(target: Target, count: int, opening: Sequence[str] = ()) -> AsyncIterator[list[int]]:
    """Be *count* dashboards for the time of the block; yield how many listings have come to all of them together.

    Each asks for what it is painted from, the paths of *opening*, and then reads the stream.
    """
    seen, begun = [0], asyncio.Semaphore(0)

    async def watch() -> None:
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

    watchers = [asyncio.create_task(watch(), name=f"stream-{number}") for number in range(count)]
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            for _ in watchers:
                await begun.acquire()
        yield seen
    finally:
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
