"""Rotation of connections: reconnects with back-off, and replaces a connection before the exchange closes it."""

import asyncio
import random
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Never

import structlog

from shared.errors import jittered
from shared.mexc.streams.bad_frames import BadFrames
from shared.mexc.streams.connection import TURN_SECONDS, Connection, RefusedError, Stream, StreamOptions
from shared.mexc.streams.feed import Feed
from shared.mexc.streams.socket import LostError
from shared.mexc.streams.stream_metrics import StreamMetrics

log = structlog.get_logger(__name__)

ROTATION_JITTER: Final = 0.05
"""Spreads the replacement of connections that were opened together."""

Ending = LostError | RefusedError | None
"""Error that ended a connection; None where it was retired."""


@dataclass(frozen=True, slots=True)
class _ActiveConnection:
    """Connection, and the task that follows it."""

    connection: Connection
    following: asyncio.Task[Ending]

    async def comes_alive(self) -> bool:
        """Wait until it is reliable, and return True, or until it ended before."""
        first: set[asyncio.Future[Any]] = {self.following, self.connection.live}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        return self.connection.live.done()

    async def ends_within(self, seconds: float) -> bool:
        await asyncio.wait({self.following}, timeout=seconds)
        return self.following.done()


class Rotation:
    """Keeps one stream on a live connection."""

    def __init__(self, stream: Stream, options: StreamOptions, feed: Feed, metrics: StreamMetrics) -> None:
        self._stream = stream
        self._options = options
        self._feed = feed
        self._metrics = metrics
        self._bad_frames = BadFrames(stream.name, metrics)
        self._latest: _ActiveConnection | None = None
        """Connection that was live last."""
        self._coming: _ActiveConnection | None = None
        """Connection that was begun last, which a refused channel may keep from coming alive."""
        self._failures = 0
        self._unbroken_since = float("inf")

    def unbroken_since(self, channels: AbstractSet[str], alive_after: float) -> float:
        """Return since when no connection was lost, by the loop's clock; infinity where *channels* are not followed.

        They are where the connection in service, or else the one that is begun, has granted them, and has brought a
        frame or PONG later than *alive_after*.
        """
        serving, since = self._serving(), self._unbroken_since
        if serving is None and self._coming is not None and not self._coming.following.done():
            serving, since = self._coming, self._coming.connection.began_at
        if serving is None or serving.connection.alive_at <= alive_after or not serving.connection.grants(channels):
            return float("inf")
        return since

    def covers_channels(self) -> bool:
        """Return whether a connection covers all wanted channels."""
        serving = self._serving()
        return not self._stream.channels() or (serving is not None and serving.connection.has_all())

    async def run(self) -> Never:
        """Follow the stream, whenever it has channels, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                if not self._stream.channels():
                    await asyncio.sleep(TURN_SECONDS)
                    continue
                connection = Connection(self._stream, self._options, self._feed, self._bad_frames, self._metrics)
                following = tasks.create_task(self._follow(connection), name=f"websocket-{self._stream.name}")
                active = self._coming = _ActiveConnection(connection, following)
                if await active.comes_alive():
                    await self._serve(active)
                elif ending := active.following.result():
                    await self._pause(ending)
        raise AssertionError

    async def _follow(self, connection: Connection) -> Ending:
        try:
            await connection.follow()
        except (LostError, RefusedError) as error:
            self._metrics.disconnects.labels(self._stream.name).inc()
            log.warning("websocket lost", stream=self._stream.name, reason=str(error))
            return error
        return None

    async def _serve(self, active: _ActiveConnection) -> None:
        """Put *active* in the place of the one before; return when the next one is due."""
        self._failures = 0
        if serving := self._serving():
            serving.connection.retire()
            self._metrics.rotations.labels(self._stream.name).inc()
        else:
            self._unbroken_since = active.connection.began_at
        self._latest = active
        jitter = random.uniform(1 - ROTATION_JITTER, 1)  # noqa: S311 - jitter, not a secret
        if await active.ends_within(self._options.rotate_seconds * jitter) and (ending := active.following.result()):
            await self._pause(ending)

    async def _pause(self, ending: LostError | RefusedError) -> None:
        """Wait before the next attempt, at most until a connection in service ends."""
        refused, longest = isinstance(ending, RefusedError), self._options.retry_max_seconds
        first = longest if refused else self._options.retry_first_seconds
        seconds = jittered(self._failures, first_seconds=first, max_seconds=longest)
        self._failures += 1
        if serving := self._serving():
            await serving.ends_within(seconds)
            return
        tell = self._feed.refused if refused else self._feed.lost
        tell(str(ending))
        await (self._until_others_are_wanted(seconds) if refused else asyncio.sleep(seconds))

    async def _until_others_are_wanted(self, seconds: float) -> None:
        """Wait *seconds*, or until the channels change: a refusal concerns only the refused ones."""
        refused = self._stream.channels()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._stream.channels() == refused:  # noqa: ASYNC110 - polled: the channels send no notification
                    await asyncio.sleep(TURN_SECONDS)

    def _serving(self) -> _ActiveConnection | None:
        return None if self._latest is None or self._latest.following.done() else self._latest
