"""A way to the database on which an answer can be lost after what it answers was done, and that can be cut off."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from sqlalchemy.engine import make_url

CHUNK = 65_536


@dataclass(slots=True)
class DatabaseProxy:
    """Carries connections to the real server."""

    url: str
    fatal: bytes = b""
    """The answer with these bytes will be lost, once, and its connection with it."""
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    conversations: set[asyncio.Task[None]] = field(default_factory=set)
    is_away: bool = False

    @contextmanager
    def away(self) -> Iterator[None]:
        """End all connections, and take no other, during the block."""
        self.is_away = True
        for each in self.conversations:
            each.cancel()
        try:
            yield
        finally:
            self.is_away = False

    def loses(self, answer: bytes) -> bool:
        """Return whether *answer* is the one to lose."""
        if not self.fatal or self.fatal not in answer:
            return False
        self.fatal = b""
        self.lost.set()
        return True


@asynccontextmanager
async def database_proxy(url: str) -> AsyncIterator[DatabaseProxy]:
    """Stand between a client and the server of *url*; the proxy's own URL leads through it."""
    server_url = make_url(url)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if proxy.is_away:
            writer.transport.abort()
            return
        proxy.conversations.add(task)
        task.add_done_callback(proxy.conversations.discard)
        to_server = await _connected(server_url.host, server_url.port, server_url.query.get("host"))
        carrying = asyncio.gather(_carry(reader, to_server[1]), _carry(to_server[0], writer, unless=proxy.loses))
        with suppress(asyncio.CancelledError, ConnectionError):
            await carrying
        for each in (writer, to_server[1]):
            each.transport.abort()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    through = server_url.set(host="127.0.0.1", port=port).difference_update_query(["host"])
    proxy = DatabaseProxy(through.render_as_string(hide_password=False))
    try:
        yield proxy
    finally:
        server.close()
        conversations = list(proxy.conversations)
        for conversation in conversations:
            conversation.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
        await server.wait_closed()
        await asyncio.sleep(0)


async def _connected(
    host: str | None, port: int | None, socket: object
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(socket, str):
        return await asyncio.open_unix_connection(f"{socket}/.s.PGSQL.{port or 5432}")
    return await asyncio.open_connection(host, port or 5432)


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, unless: Callable[[bytes], bool] = lambda _: False
) -> None:
    while (data := await reader.read(CHUNK)) and not unless(data):
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError
