"""The exchange's push of all tickers: the first frame that holds a symbol says that it trades."""

import asyncio
from dataclasses import dataclass
from typing import Final, Never

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from ingest.control_frame import PING, PONG, message_in, subscription
from ingest.evidence import Names
from ingest.feeds import Feed
from ingest.metrics import Metrics
from ingest.source import Report
from ingest.ticker_frame import FrameError, symbols_in
from shared.backoff import jittered
from shared.events import Source, utc_now

log = structlog.get_logger(__name__)

CHANNEL: Final = "spot@public.miniTickers.v3.api.pb@UTC+8"
FRAME_BYTES_MAX: Final = 16 * 1024 * 1024
"""Thirty thousand symbols make 3 MB."""
QUEUED_FRAMES_MAX: Final = 16


class _RefusedError(Exception):
    """The exchange does not send the channel, and asking again soon would not change its mind."""


class _StalledError(Exception):
    """The connection is open and brings no data."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    url: str
    ping_seconds: float = 10.0
    stall_seconds: float = 15.0
    io_seconds: float = 10.0
    """For opening a connection, and for each message sent on it."""
    retry_first_seconds: float = 1.0
    retry_max_seconds: float = 30.0


class TickerStream:
    """Follows the tickers over one connection after another."""

    name: Final = Source.MEXC_WEBSOCKET

    def __init__(self, options: StreamOptions, feed: Feed, metrics: Metrics) -> None:
        self._options = options
        self._feed = feed
        self._metrics = metrics
        self._failures = 0

    async def watch(self, report: Report) -> Never:
        while True:
            try:
                await self._follow_one_connection(report)
            except _RefusedError as error:
                self._feed.refused(f"subscription refused: {error}")
                await self._pause(error, self._options.retry_max_seconds)
            except (OSError, TimeoutError, WebSocketException, _StalledError) as error:
                self._feed.lost(_in_words(error))
                await self._pause(error, self._options.retry_first_seconds)

    async def _pause(self, error: Exception, first_seconds: float) -> None:
        seconds = jittered(self._failures, first_seconds=first_seconds, max_seconds=self._options.retry_max_seconds)
        self._failures += 1
        self._metrics.disconnects.inc()
        log.warning("websocket lost", reason=_in_words(error), retry_seconds=round(seconds, 1))
        await asyncio.sleep(seconds)

    async def _follow_one_connection(self, report: Report) -> Never:
        async with connect(
            self._options.url,
            open_timeout=self._options.io_seconds,
            close_timeout=1,
            # The exchange's own PING keeps the connection, and the age of the data tells whether it lives.
            ping_interval=None,
            max_size=FRAME_BYTES_MAX,
            max_queue=QUEUED_FRAMES_MAX,
            compression=None,
            proxy=None,
        ) as connection:
            await self._send(connection, subscription(CHANNEL))
            await self._follow(connection, report)

    async def _follow(self, connection: ClientConnection, report: Report) -> Never:
        """Read, ping and watch the age of the data, all on one clock, until the connection fails."""
        now = asyncio.get_running_loop().time
        ping_at, stall_at = now() + self._options.ping_seconds, now() + self._options.stall_seconds
        acknowledged = False
        while True:
            match await _next_frame(connection, until=min(ping_at, stall_at)):
                case bytes(frame) if await self._on_push(frame, report):
                    stall_at = now() + self._options.stall_seconds
                case str(text) if not acknowledged:
                    acknowledged = self._on_answer(text)
            if now() >= stall_at:
                raise _StalledError(f"no data for {self._options.stall_seconds:g} s")
            if now() >= ping_at:
                await self._send(connection, PING)
                ping_at = now() + self._options.ping_seconds

    async def _on_push(self, frame: bytes, report: Report) -> bool:
        """Report the symbols in *frame*; return whether it was a frame of ours at all."""
        observed_at = utc_now()
        self._metrics.frames.inc()
        try:
            with self._metrics.decode_seconds.time():
                symbols = symbols_in(frame, CHANNEL)
        except FrameError as error:
            self._drop(error)
            return False
        await report(Names(self.name, observed_at, symbols, complete=False))
        self._feed.saw()
        self._failures = 0
        return True

    def _on_answer(self, text: str) -> bool:
        """Return whether *text* grants the channel; raise _RefusedError where it refuses it."""
        try:
            message = message_in(text)
        except FrameError as error:
            self._drop(error)
            return False
        if message not in {CHANNEL, PONG}:
            raise _RefusedError(" ".join(message.split())[:200])
        return message == CHANNEL

    def _drop(self, error: FrameError) -> None:
        self._metrics.bad_frames.inc()
        log.debug("frame dropped", reason=str(error))

    async def _send(self, connection: ClientConnection, text: str) -> None:
        async with asyncio.timeout(self._options.io_seconds):
            await connection.send(text)


async def _next_frame(connection: ClientConnection, until: float) -> str | bytes | None:
    """Return the next frame, or None at *until*, a time of the loop's clock."""
    try:
        async with asyncio.timeout_at(until):
            return await connection.recv()
    except TimeoutError:
        return None


def _in_words(error: Exception) -> str:
    return str(error) or type(error).__name__
