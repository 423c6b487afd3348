"""Scripted server on the loopback: answers, or misbehaves, as a test sets, and records what reached it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""What to do about one whole request."""


@dataclass
class Loopback:
    """The server as the test sees it."""

    behave: Behaviour
    scheme: str
    port: int = 0
    requests: list[str] = field(default_factory=list)
    """Head of every request that arrived whole."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    connections: list[asyncio.StreamWriter] = field(default_factory=list)
    """Every connection ever accepted, oldest first."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"


@asynccontextmanager
async def serving(behave: Behaviour, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Loopback]:
    """Serve *behave* until the block ends; whatever still hangs then is cancelled."""
    loopback = Loopback(behave, "https" if tls else "http")
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        loopback.connections.append(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                loopback.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
                loopback.arrived.set()
                await loopback.behave(writer)
        writer.transport.abort()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls)
    loopback.port = server.sockets[0].getsockname()[1]
    try:
        yield loopback
    finally:
        server.close()
        for conversation in conversations:
            conversation.cancel()
        await asyncio.gather(*conversations)
        await server.wait_closed()
        await asyncio.sleep(0)


def reply(body: bytes = b"{}", *, status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    """The bytes of an HTTP reply; *length* announces another length than the body has."""
    announced = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {announced}\r\n{headers}\r\n"
    return head.encode() + body


def answering(*chunks: bytes) -> Behaviour:
    """Write *chunks* one by one."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0)

    return behave


def answering_then_closing(*chunks: bytes) -> Behaviour:
    """Write *chunks* and end the connection."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        await answering(*chunks)(writer)
        writer.close()

    return behave


async def resetting(writer: asyncio.StreamWriter) -> None:
    """Break the connection off without an answer."""
    writer.transport.abort()


async def hanging(_: asyncio.StreamWriter) -> None:
    """Say nothing, for ever."""
    await asyncio.Event().wait()
