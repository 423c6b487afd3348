"""One connection that carries one request at a time and knows whether a byte of it was written."""

import asyncio
import os
import select
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlsplit

from shared.mexc.http.reply import Reply, ReplyError, ReplyReader

_LOOKS: Final = 4
"""Turns of the loop in which an idle socket's news must have been read."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect, and the name to ask for there."""

    host: str
    port: int
    tls: ssl.SSLContext | None

    @classmethod
    def of(cls, url: str, tls: ssl.SSLContext | None = None) -> "Endpoint":
        """The endpoint of an http or https *url*; *tls* replaces the default trust in the system's certificates."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("the exchange's REST URL must be http://host or https://host")
        secure = parts.scheme == "https"
        context = (tls or ssl.create_default_context()) if secure else None
        return cls(parts.hostname, parts.port or (443 if secure else 80), context)

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.tls else 80) else f"{name}:{self.port}"


class ConnectionLost(ConnectionError):  # noqa: N818 - what happened on the wire; the line translates it.
    """The connection has ended."""


class HttpConnection(asyncio.Protocol):
    """A connected socket, idle or carrying one request. Anything irregular ends it: it is never reused in doubt."""

    def __init__(self, reply_bytes_max: int, on_lost: Callable[["HttpConnection"], None]) -> None:
        self._reply_bytes_max = reply_bytes_max
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._unread = select.poll()
        self._transport: asyncio.Transport | None = None
        self._exchange: tuple[ReplyReader, asyncio.Future[Reply]] | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def settle(self) -> bool:
        """Let the loop read the idle socket's pending bytes, such as its end; return whether it is usable.

        Returns without a pause in between, so the answer still holds when the caller gets it.
        """
        for _ in range(_LOOKS):
            if not self.is_open or not self._unread.poll(0):
                return self.is_open
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                self.close()
                raise
        self.close()
        return False

    async def exchange(self, request: bytes, *, deadline: float) -> Reply:
        """Write *request* once and return its reply; raise ConnectionLost, ReplyError, or TimeoutError.

        *deadline* is a time of the loop's clock. Call it only when the connection is open and idle. Once called, the
        request counts as written; given up before the reply is whole, the connection is closed.
        """
        assert self._transport is not None
        assert self._exchange is None
        # What need not come before the write comes after it, while the request is on its way.
        self._transport.write(request)
        # Who takes the bytes on from here, as a proxy does, may have been woken on this core, to run after this task.
        os.sched_yield()
        reply: asyncio.Future[Reply] = self._loop.create_future()
        self._exchange = ReplyReader(self._reply_bytes_max), reply
        timer = self._loop.call_at(deadline, self._fail, TimeoutError("no whole reply in time"))
        try:
            return await reply
        finally:
            timer.cancel()
            if self._exchange is not None:
                self._exchange = None
                self.close()

    def close(self) -> None:
        """Close at once, without farewell: nothing still buffered may reach the exchange later."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        connected: socket.socket = transport.get_extra_info("socket")
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread.register(connected.fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        if self._exchange is None:  # An idle connection has nothing to say; what follows could pass for a reply.
            self.close()
            return
        reader, future = self._exchange
        try:
            reply = reader.feed(data)
        except ReplyError as error:
            self._fail(error)
            return
        if reply is None:
            return
        self._exchange = None
        if not reply.keep_alive:
            self.close()
        if not future.done():
            future.set_result(reply)

    def eof_received(self) -> None:
        self.data_received(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(ConnectionLost(type(exc).__name__ if exc else "closed by the exchange"))
        self._on_lost(self)

    def _fail(self, error: Exception) -> None:
        if self._exchange is not None and not self._exchange[1].done():
            self._exchange[1].set_exception(error)
        self.close()


async def open_connection(
    endpoint: Endpoint, reply_bytes_max: int, on_lost: Callable[[HttpConnection], None]
) -> HttpConnection:
    """Connect to *endpoint*; raise OSError (of which ssl.SSLError is one) when that fails."""
    loop, connection = asyncio.get_running_loop(), HttpConnection(reply_bytes_max, on_lost)
    if endpoint.tls is None:
        transport, _ = await loop.create_connection(lambda: connection, endpoint.host, endpoint.port)
        _send_at_once(transport)
        return connection
    transport, _ = await loop.create_connection(asyncio.Protocol, endpoint.host, endpoint.port)
    _send_at_once(transport)
    try:
        secured = await loop.start_tls(transport, connection, endpoint.tls, server_hostname=endpoint.host)
    except BaseException:
        transport.abort()
        raise
    # Where the peer had closed before TLS began, uvloop returns a transport that has ended.
    if secured is None or secured.get_extra_info("socket") is None:
        transport.abort()
        raise ConnectionLost("closed by the exchange before TLS began")
    connection.connection_made(secured)
    return connection


def _send_at_once(transport: asyncio.Transport) -> None:
    """Uvloop buffers writes until the end of its turn, but bytes over the limit go at once."""
    transport.set_write_buffer_limits(high=0)
