"""One websocket connection: subscriptions, pings, and detection of stalls and unreadable frames."""

import asyncio
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

import structlog
from websockets.asyncio.client import ClientConnection

from shared.errors import jittered
from shared.events import utc_now
from shared.mexc.streams.bad_frames import BadFrames
from shared.mexc.streams.control_frame import PING, PONG, FrameError, answer_in
from shared.mexc.streams.feed import Feed
from shared.mexc.streams.socket import LostError, next_frame, open_socket, send
from shared.mexc.streams.stream_metrics import StreamMetrics
from shared.mexc.streams.subscriptions import Subscriptions

log = structlog.get_logger(__name__)

TURN_SECONDS: Final = 0.25
"""Delay until a change of the wanted channels is noticed while no frame comes."""


class RefusedError(Exception):
    """The exchange refuses all channels, and an early retry would not help."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    url: str
    ping_seconds: float = 10.0
    stall_seconds: float = 15.0
    io_seconds: float = 10.0
    """Timeout for opening a connection, each message sent on it, and the answer to a request."""
    retry_first_seconds: float = 1.0
    retry_max_seconds: float = 30.0
    rotate_seconds: float = 82_800.0
    """The exchange closes connections after a day."""
    bad_frames_max: int = 20
    """Consecutive ones, before the connection is given up."""
    now: Callable[[], datetime] = utc_now
    """Clock that frames are stamped by."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Channels to read, over any number of connections."""

    name: str
    channels: Callable[[], AbstractSet[str]]
    """Returns the channels wanted now."""
    take: Callable[[bytes], Awaitable[bool]]
    """Processes one push; returns whether it held data; raises FrameError where it is unreadable."""
    frame_bytes_max: int
    is_quiet: bool = False
    """Whether a working connection may bring no data for hours: then any frame, a PONG too, is a sign of life."""


class Connection:
    """Follows a stream from the handshake until the connection fails, is retired, or has no channels left."""

    def __init__(
        self, stream: Stream, options: StreamOptions, feed: Feed, bad_frames: BadFrames, metrics: StreamMetrics
    ) -> None:
        self.live: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once it is reliable: with the first data, or on a quiet stream when every channel is granted."""
        self._stream = stream
        self._options = options
        self._feed = feed
        self._bad_frames = bad_frames
        self._metrics = metrics
        self._subscriptions = Subscriptions(
            options.io_seconds,
            partial(jittered, first_seconds=options.retry_first_seconds, max_seconds=options.retry_max_seconds),
        )
        self._now = asyncio.get_running_loop().time
        self.began_at = self.alive_at = self._now()
        """The time of the loop's clock at which it began, and that of the latest frame or PONG."""
        self._ping_at = self._stall_at = 0.0
        self._bad_in_a_row = 0
        self._retired = False

    def retire(self) -> None:
        """End after the frame at hand; cancelled, it could lose what that frame shows."""
        self._retired = True

    def has_all(self) -> bool:
        """Return whether every channel wanted now is granted."""
        return self.grants(self._stream.channels())

    def grants(self, channels: AbstractSet[str]) -> bool:
        """Return whether all of *channels* are granted."""
        return self._subscriptions.covers(channels)

    async def follow(self) -> None:
        """Follow the stream until retired or without wanted channels; raise LostError or RefusedError."""
        socket = await open_socket(
            self._options.url, open_seconds=self._options.io_seconds, frame_bytes_max=self._stream.frame_bytes_max
        )
        try:
            self._ping_at = self._now() + self._options.ping_seconds
            self._reset_stall()
            while not self._retired and (channels := self._stream.channels()):
                for request in self._subscriptions.due(channels, self._now()):
                    await self._send(socket, request)
                await self._listen(socket)
                await self._keep(socket)
        finally:
            try:
                await socket.close()
            finally:
                # A cancelled close would leave the socket open.
                socket.transport.abort()

    async def _listen(self, socket: ClientConnection) -> None:
        match await next_frame(socket, until=min(self._ping_at, self._stall_at, self._now() + TURN_SECONDS)):
            case bytes(push):
                self.alive_at = self._now()
                await self._on_push(push)
            case str(text):
                self.alive_at = self._now()
                self._on_answer(text)
            case None:
                return
        # Yield: a full queue would otherwise be processed without a break.
        await asyncio.sleep(0)

    async def _keep(self, socket: ClientConnection) -> None:
        if self._now() >= self._stall_at:
            raise LostError(
                "no sign of life" if self._stream.is_quiet else f"no data for {self._options.stall_seconds:g} s"
            )
        if self._now() >= self._ping_at:
            await self._send(socket, PING)
            self._ping_at = self._now() + self._options.ping_seconds

    async def _on_push(self, push: bytes) -> None:
        try:
            has_data = await self._stream.take(push)
        except FrameError as error:
            self._drop(push, error)
            return
        except Exception as error:
            # An error of ours over this frame must not cost the others.
            log.exception("a frame was not taken in", stream=self._stream.name)
            self._drop(push, FrameError(repr(error)))
            return
        finally:
            # Counted after processing, off the hot path.
            self._metrics.frames.labels(self._stream.name).inc()
        self._bad_in_a_row = 0
        if has_data:
            self._reset_stall()
        if has_data and not self._stream.is_quiet:
            self._mark_live()

    def _on_answer(self, text: str) -> None:
        try:
            answer = answer_in(text)
        except FrameError as error:
            self._drop(text, error)
            return
        if answer.msg != PONG and self._subscriptions.answered(answer, self._now()):
            self._metrics.refusals.labels(self._stream.name).inc()
            reason = " ".join(answer.msg.split())[:200]
            if self._subscriptions.is_refused():
                raise RefusedError(f"subscription refused: {reason}")
            self._feed.refused(f"a part of the subscriptions refused: {reason}")
            log.warning("subscription refused in part", stream=self._stream.name, reason=reason)
        if self._stream.is_quiet:
            self._reset_stall()
        if self._stream.is_quiet and self.has_all():
            self._mark_live()

    def _drop(self, frame: bytes | str, error: FrameError) -> None:
        self._bad_frames.drop(frame, error)
        self._bad_in_a_row += 1
        if self._bad_in_a_row >= self._options.bad_frames_max:
            raise LostError(f"{self._bad_in_a_row} frames in a row could not be read")

    def _mark_live(self) -> None:
        if not self.live.done():
            self.live.set_result(None)

    def _reset_stall(self) -> None:
        # Where only PONGs are certain to come, the timeout begins with the next ping.
        unasked_seconds = self._options.ping_seconds if self._stream.is_quiet else 0
        self._stall_at = self._now() + unasked_seconds + self._options.stall_seconds

    async def _send(self, socket: ClientConnection, text: str) -> None:
        await send(socket, text, seconds=self._options.io_seconds)
