"""Warm connections that orders go out on: each request is written at most once, and callers learn whether it was."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from types import TracebackType
from typing import Final, Self

import structlog

from shared.mexc.errors import NotSent, OutcomeUnknown
from shared.mexc.http.connection import ConnectionLost, Endpoint, HttpConnection, open_connection
from shared.mexc.http.reply import Headers
from shared.mexc.orders.order_api import Answer, MayWrite, SignedOrder, always

log = structlog.get_logger(__name__)

_KEPT_HEADERS: Final = (b"content-type", b"date", b"retry-after")
LINES: Final = 3
EXIT_LINES: Final = 6
"""Of their own, so that a sale never waits behind purchases whose answers are slow, and hardly behind other sales."""
SALES_AT_ONCE: Final = EXIT_LINES - 1
"""The last one is for tests of sales."""


@dataclass(frozen=True, slots=True)
class LineLimits:
    """Bounds on the line's patience and size."""

    connect_seconds: float = 3.0
    answer_seconds: float = 5.0
    """For one post as a whole: waiting its turn, connecting if need be, and the reply."""
    reply_bytes_max: int = 64 * 1024
    refresh_seconds: float = 20.0
    """Age at which the idle connection is replaced: below the idle timeouts in use, and bounding how long a
    connection that died without a sign goes unnoticed."""
    reopen_seconds_min: float = 0.2
    reopen_seconds_max: float = 15.0


class HeldBackError(Exception):
    """The caller would not have it written after all."""


class OrderLine:
    """One request at a time over a connection that is open before it is needed.

    Nothing is retried, redirected or replayed. A cancelled `post` raises CancelledError with a NotSent or an
    OutcomeUnknown as its cause.
    """

    def __init__(self, endpoint: Endpoint, limits: LineLimits = LineLimits()) -> None:
        self._endpoint = endpoint
        self._host = endpoint.host_header
        self._limits = limits
        self._turn = asyncio.Lock()
        self.callers = 0
        """How many wait for the line or for an answer on it."""
        self._idle: HttpConnection | None = None
        self._opened = asyncio.Event()
        self._needed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        # A TaskGroup here would wrap whatever the caller's block raises in an ExceptionGroup.
        self._keeper = asyncio.create_task(self._keep_warm(), name="order-line")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        keeper, self._keeper = self._keeper, None
        assert keeper is not None
        keeper.cancel()
        try:
            await asyncio.wait([keeper])
        finally:
            self._replace_idle(None)
        await asyncio.sleep(0)  # The loop closes the socket in its next turn.
        if not keeper.cancelled():
            keeper.result()

    @property
    def is_ready(self) -> bool:
        """Whether a connection is open, idle or in use."""
        return self.callers > 0 or (self._idle is not None and self._idle.is_open)

    async def ready(self) -> None:
        """Return once the first connection has been opened."""
        await self._opened.wait()

    async def post(self, signed: SignedOrder, /, *, may_write: MayWrite = always) -> Answer:
        """Send exactly one POST with an empty body; its query goes out as it is.

        Raises NotSent when certainly no byte of it was written and OutcomeUnknown when one may have been.
        """
        request = _framed(self._host, signed)
        deadline = asyncio.get_running_loop().time() + self._limits.answer_seconds
        written = False
        self.callers += 1
        try:
            # The usual case has nothing to wait for, and a timer costs more than the rest.
            async with nullcontext() if self.callers == 1 else asyncio.timeout_at(deadline):
                await self._turn.acquire()
            try:
                connection = await self._take(deadline)
                if not may_write():
                    self._give_back(connection)
                    raise HeldBackError("it may not be any more")
                written = True
                sent_at, started = datetime.now(UTC), perf_counter()
                try:
                    reply = await connection.exchange(request, deadline=deadline)
                finally:
                    latency_seconds = perf_counter() - started
                    self._give_back(connection)
            finally:
                self._turn.release()
            return Answer(reply.status, _kept(reply.headers), reply.body, sent_at, latency_seconds)
        except asyncio.CancelledError as cancelled:
            raise cancelled from _outcome(cancelled, written=written)
        except Exception as error:
            raise _outcome(error, written=written) from error
        finally:
            self.callers -= 1

    async def _take(self, deadline: float) -> HttpConnection:
        """The idle connection if it is still good, otherwise a new one: nothing has been written yet."""
        while (connection := self._idle) is not None:
            usable = await connection.settle()
            if self._idle is connection:  # Otherwise it was lost or replaced meanwhile.
                self._idle = None
                if usable:
                    return connection
        if self._keeper is None:
            raise ConnectionLost("the order line is not open")
        async with asyncio.timeout_at(deadline):
            return await self._open()

    def _give_back(self, connection: HttpConnection) -> None:
        if self._idle is None and self._keeper is not None and connection.is_open:
            self._idle = connection
            return
        connection.close()
        self._needed.set()

    async def _open(self) -> HttpConnection:
        async with asyncio.timeout(self._limits.connect_seconds):
            connection = await open_connection(self._endpoint, self._limits.reply_bytes_max, self._lost)
        if not await connection.settle():
            raise ConnectionLost("closed by the exchange as soon as it was opened")
        return connection

    def _lost(self, connection: HttpConnection) -> None:
        if self._idle is connection:
            self._idle = None
            self._needed.set()

    def _replace_idle(self, connection: HttpConnection | None) -> None:
        previous, self._idle = self._idle, connection
        if previous is not None:
            previous.close()

    async def _keep_warm(self) -> None:
        """Keep an idle connection at hand, opening the next before closing the last."""
        short_lived = 0
        while True:
            self._needed.clear()
            opened_at = perf_counter()
            try:
                self._replace_idle(await self._open())
            except OSError as error:  # TimeoutError is one.
                log.warning("the order line cannot connect", error=type(error).__name__, attempts=short_lived + 1)
            except Exception:
                # Whatever it is: without its keeper, a line connects only once an order waits for it.
                log.exception("the order line cannot connect", attempts=short_lived + 1)
            else:
                self._opened.set()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._limits.refresh_seconds):
                        await self._needed.wait()
            lived_seconds = perf_counter() - opened_at
            short_lived = 0 if lived_seconds > self._limits.reopen_seconds_max else short_lived + 1
            # Back off with the connections in a row that failed or ended early: a refusing server is not besieged.
            doubled = math.ldexp(self._limits.reopen_seconds_min, min(short_lived, 16))
            pause_seconds = min(doubled, self._limits.reopen_seconds_max) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing.
            await asyncio.sleep(pause_seconds)


def _kept(headers: Headers) -> Mapping[str, str]:
    return {name.decode(): headers[name].decode("latin-1") for name in _KEPT_HEADERS if name in headers}


def _framed(host: str, signed: SignedOrder) -> bytes:
    target, fields = f"{signed.path}?{signed.query}", [f"{name}: {value}" for name, value in signed.headers.items()]
    # Neither message quotes the refused text: it may be a key or a signed query.
    if not _is_one_line(target) or " " in target or not target.startswith("/"):
        raise ValueError("the request's path and query must be percent-encoded, and start with /")
    if not all(map(_is_one_line, fields)):
        raise ValueError("a request header holds characters that HTTP does not allow there")
    lines = [f"POST {target} HTTP/1.1", f"Host: {host}", *fields, "Content-Length: 0", "", ""]
    return "\r\n".join(lines).encode("ascii")


def _is_one_line(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _outcome(error: BaseException, *, written: bool) -> NotSent | OutcomeUnknown:
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if written:
        return OutcomeUnknown(f"no whole answer after the request was written ({reason})")
    return NotSent(f"the request was not written ({reason})")


class OrderLines:
    """An `OrderTransport`: each request goes out once, on the line with the fewest before it."""

    def __init__(self, lines: Sequence[OrderLine]) -> None:
        self._lines = lines

    @property
    def is_ready(self) -> bool:
        """Whether an order could go out at once, or after the one that is going out. May be asked from a thread."""
        return any(line.is_ready for line in self._lines)

    def post(self, signed: SignedOrder, /, *, may_write: MayWrite = always) -> Awaitable[Answer]:
        """See OrderLine."""
        for line in self._lines:  # Mostly the first is at rest, and an order waits for this.
            if not line.callers and line.is_ready:
                return line.post(signed, may_write=may_write)
        best = min(self._lines, key=lambda line: (line.callers, not line.is_ready))
        return best.post(signed, may_write=may_write)


@asynccontextmanager
async def open_lines(endpoint: Endpoint, limits: LineLimits, *, count: int = LINES) -> AsyncIterator[OrderLines]:
    """Keep *count* lines warm during the block."""
    async with AsyncExitStack() as stack:
        yield OrderLines([await stack.enter_async_context(OrderLine(endpoint, limits)) for _ in range(count)])
