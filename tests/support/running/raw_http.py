"""Requests byte by byte, for what no client would send."""

import asyncio
from dataclasses import dataclass

from tests.support.running.serving_api import ServedApi


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """Everything that came until the server closed the connection."""

    text: str

    @property
    def statuses(self) -> list[int]:
        """Status of each response."""
        return [int(line.split()[1]) for line in self.text.splitlines() if line.startswith("HTTP/1.1 ")]


async def send(api: ServedApi, *parts: bytes, within_seconds: float = 10) -> RawAnswer:
    """Send *parts* over a connection of their own and read until the server closes it; else TimeoutError."""
    url = api.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(within_seconds):
            return RawAnswer((await reader.read()).decode("latin-1"))
    finally:
        writer.close()


def head(api: ServedApi, method: str, path: str, *lines: str) -> bytes:
    """Return the head of a request with the token of *api*."""
    url = api.client.base_url
    fixed = (f"Host: {url.host}:{url.port}", f"Authorization: {api.client.headers['Authorization']}")
    return "\r\n".join((f"{method} {path} HTTP/1.1", *fixed, *lines, "", "")).encode("latin-1")
