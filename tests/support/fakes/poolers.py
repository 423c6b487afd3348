"""A pooler before PostgreSQL as PgBouncer is one: sessions by client or by transaction, strict about parameters."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.engine import URL, make_url

SSL_REQUEST: Final = 80_877_103
VERSION: Final = 196_608
KNOWN: Final = frozenset({"user", "database", "client_encoding", "application_name"})
"""What PgBouncer takes of a start, unless `ignore_startup_parameters` names more."""
PROCESS: Final = 4_000_000
"""No process of the server has this number: poolers make up their own."""
READY: Final = b"Z"
READ_PAST: Final = frozenset({b"R", b"K"})


@dataclass(slots=True)
class Session:
    """One connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    greeting: bytes = b""
    """What it reported of itself, for the clients."""


@dataclass(slots=True)
class Lent:
    """What one client has at the moment."""

    client: asyncio.StreamWriter
    session: Session | None = None
    carrying: asyncio.Task[None] | None = None
    unanswered: int = 0


@dataclass(slots=True)
class Pooler:
    """Lends sessions of one database."""

    server: URL
    by_transaction: bool
    ignores_parameters: bool
    size: int
    url: str = ""
    idle: list[Session] = field(default_factory=list)
    made: list[Session] = field(default_factory=list)
    returned: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self) -> Session:
        """Lend the session that was used last, as PgBouncer does; wait where all are lent."""
        async with self.returned:
            await self.returned.wait_for(lambda: self.idle or len(self.made) < self.size)
            if self.idle:
                return self.idle.pop()
            session = await _session(self.server)
            self.made.append(session)
            return session

    async def give_back(self, session: Session) -> None:
        """Take it back for the next client."""
        async with self.returned:
            self.idle.append(session)
            self.returned.notify()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one client, who has a session only as long as the mode says."""
        lent = Lent(writer)
        try:
            if not await self._let_in(reader, writer):
                return
            while (message := await _message(reader))[:1] != b"X":
                if lent.session is None:
                    lent.session = await self.take()
                    lent.carrying = asyncio.create_task(self._carry_answers(lent, lent.session))
                lent.session.writer.write(message)
                lent.unanswered += message[:1] in {b"Q", b"S"}
        finally:
            if lent.session is not None and lent.carrying is not None:
                lent.carrying.cancel()
                await asyncio.wait([lent.carrying])
                await self.give_back(lent.session)
            writer.transport.abort()

    async def _carry_answers(self, lent: "Lent", session: Session) -> None:
        while True:
            message = await _message(session.reader)
            lent.unanswered -= message[:1] == READY
            ended = message == _packed(READY, b"I") and not lent.unanswered and self.by_transaction
            if ended:
                # First, so that what the client says next finds it gone.
                lent.session = None
                await self.give_back(session)
            lent.client.write(message)
            if ended:
                return

    async def _let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        parameters = await _start(reader, writer)
        strange = [name for name in parameters if name not in KNOWN]
        if strange and not self.ignores_parameters:
            text = f"unsupported startup parameter: {strange[0]}".encode()
            writer.write(_packed(b"E", b"SFATAL\0C08P01\0M" + text + b"\0\0"))
            await writer.drain()
            return False
        session = await self.take()
        writer.write(_packed(b"R", struct.pack("!i", 0)) + session.greeting)
        writer.write(_packed(b"K", struct.pack("!ii", PROCESS, 1)) + _packed(READY, b"I"))
        await self.give_back(session)
        return True


@asynccontextmanager
async def pooling(
    url: str, *, by_transaction: bool, ignores_parameters: bool = True, size: int = 5
) -> AsyncIterator[Pooler]:
    """Stand between clients and the database at *url*; the pooler's own URL leads through it."""
    pooler = Pooler(make_url(url), by_transaction, ignores_parameters, size)
    clients: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        clients.add(task)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await pooler.serve(reader, writer)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    through = pooler.server.set(host="127.0.0.1", port=port).difference_update_query(["host"])
    pooler.url = through.render_as_string(hide_password=False)
    try:
        yield pooler
    finally:
        listening.close()
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients)
        for session in pooler.made:
            session.writer.transport.abort()
        await listening.wait_closed()
        await asyncio.sleep(0)


async def _session(server: URL) -> Session:
    socket = server.query.get("host")
    if isinstance(socket, str):
        session = Session(*await asyncio.open_unix_connection(f"{socket}/.s.PGSQL.{server.port or 5432}"))
    else:
        session = Session(*await asyncio.open_connection(server.host, server.port or 5432))
    named = {"user": server.username or "postgres", "database": server.database or "postgres"}
    body = b"".join(f"{name}\0{value}\0".encode() for name, value in named.items()) + b"\0"
    session.writer.write(struct.pack("!ii", len(body) + 8, VERSION) + body)
    while (message := await _message(session.reader))[:1] != READY:
        assert message[:1] != b"E", message
        session.greeting += b"" if message[:1] in READ_PAST else message
    return session


async def _start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> dict[str, str]:
    while True:
        (length,) = struct.unpack("!i", await reader.readexactly(4))
        body = await reader.readexactly(length - 4)
        if struct.unpack("!i", body[:4]) != (SSL_REQUEST,):
            words = body[4:].rstrip(b"\0").decode().split("\0")
            return dict(zip(words[::2], words[1::2], strict=True))
        writer.write(b"N")


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(5)
    return head + await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)


def _packed(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body
