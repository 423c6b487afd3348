"""Private stream: follow the account's pushes on one connection, again after every failure. Nothing depends on it."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Final, Never
from urllib.parse import quote

import structlog
from prometheus_client import CollectorRegistry
from pydantic import JsonValue, SecretStr

from executor.private_stream.account_pushes import CHANNELS, decoded
from executor.private_stream.listen_key import ListenKey, ListenKeySource
from executor.private_stream.push_hints import Checks, PushHints
from executor.private_stream.push_metrics import PushMetrics
from executor.settings import ExecutorSettings
from shared.errors import TransientError, jittered
from shared.mexc.errors import ClockUncertainError, ExchangeError
from shared.mexc.streams.bad_frames import BadFrames
from shared.mexc.streams.connection import Connection, RefusedError, Stream, StreamOptions
from shared.mexc.streams.socket import LostError

log = structlog.get_logger(__name__)

NAME: Final = "private"
FRAME_BYTES_MAX: Final = 64 * 1024
DOUBTED_FAILURES: Final = 3
"""After so many failures in a row the listenKey is made anew, whatever REST says of it."""
DELETE_SECONDS: Final = 1.0
"""For the deletion of the listenKey at the end."""


class _NoFeed:
    """Receives the troubles of a stream that no decision waits for; they are logged where they end a connection."""

    def lost(self, reason: str) -> None:
        pass

    def refused(self, reason: str) -> None:
        pass


class PrivateStream:
    def __init__(self, options: StreamOptions, key: ListenKey, hints: PushHints, *, keep_alive_seconds: float) -> None:
        """*keep_alive_seconds* lie between requests that keep *key* alive."""
        self._options = options
        self._key = key
        self._hints = hints
        self._keep_alive_seconds = keep_alive_seconds
        self._metrics = metrics = hints.metrics
        self._bad_frames = BadFrames(NAME, metrics.stream)
        self._stream = Stream(NAME, lambda: CHANNELS, self._take, FRAME_BYTES_MAX, is_quiet=True)
        self._connection: Connection | None = None
        self._failures = 0

    @property
    def is_connected(self) -> bool:
        """Return whether every channel is granted on a connection that is open."""
        return self._connection is not None and self._connection.live.done()

    def fact(self) -> JsonValue:
        """Return the state for a heartbeat."""
        return {"connected": self.is_connected}

    async def run(self, until: asyncio.Event) -> None:
        """Follow the stream until *until* is set."""
        async with asyncio.TaskGroup() as tasks:
            running = (
                tasks.create_task(self._follow_on(), name="private stream connections"),
                tasks.create_task(self._keep_alive(), name="listenKey"),
            )
            await until.wait()
            for each in running:
                each.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(DELETE_SECONDS):
                await self._key.delete()

    async def _follow_on(self) -> Never:
        """Follow one connection after the other, with a back-off after each that failed, whatever ended it."""
        first_seconds, max_seconds = self._options.retry_first_seconds, self._options.retry_max_seconds
        while True:
            try:
                await self._follow(await self._key.valid(anew=self._failures >= DOUBTED_FAILURES))
            except (LostError, RefusedError) as error:
                self._metrics.stream.disconnects.labels(NAME).inc()
                self._report_failure(str(error))
            except (ExchangeError, ClockUncertainError, TransientError) as error:
                self._report_failure(type(error).__name__)
            except Exception:
                # An error of ours must not end the loop, nor the executor.
                self._failures += 1
                log.exception("the private stream failed")
            await asyncio.sleep(jittered(self._failures, first_seconds=first_seconds, max_seconds=max_seconds))

    async def _follow(self, key: SecretStr) -> None:
        url = f"{self._options.url}?listenKey={quote(key.get_secret_value(), safe='')}"
        connection = Connection(
            self._stream, replace(self._options, url=url), _NoFeed(), self._bad_frames, self._metrics.stream
        )

        def note_live(live: asyncio.Future[None]) -> None:
            if live.cancelled():
                return
            self._failures = 0
            self._metrics.show_connected(connected=True)
            log.info("the private stream is followed")

        connection.live.add_done_callback(note_live)
        rotation = asyncio.get_running_loop().call_later(self._options.rotate_seconds, connection.retire)
        self._connection = connection
        try:
            await connection.follow()
        finally:
            rotation.cancel()
            self._connection = None
            self._metrics.show_connected(connected=False)
        self._metrics.stream.rotations.labels(NAME).inc()

    def _report_failure(self, reason: str) -> None:
        """Log the first of several failures in a row; the others are counted."""
        write = log.debug if self._failures else log.warning
        self._failures += 1
        write("the private stream is not followed; look-ups go on as without it", reason=reason)

    async def _take(self, frame: bytes) -> bool:
        return self._hints.take(decoded(frame))

    async def _keep_alive(self) -> Never:
        while True:
            await asyncio.sleep(self._keep_alive_seconds)
            try:
                is_refused = self.is_connected and not await self._key.keep_alive()
            except (ExchangeError, ClockUncertainError) as error:
                log.info("the listenKey was not kept alive", reason=type(error).__name__)
            except Exception:
                log.exception("the listenKey was not kept alive")
            else:
                if is_refused and self._connection is not None:
                    self._connection.retire()


def private_stream_of(
    account: ListenKeySource, url: str, checks: Checks, settings: ExecutorSettings, registry: CollectorRegistry
) -> PrivateStream:
    """Return the private stream of *account* at *url*, whose pushes bring *checks* forward."""
    ignored_assets = settings.other_holdings | settings.quote_assets
    hints = PushHints(checks, ignored_assets, PushMetrics(registry))
    keep_alive_seconds = settings.private_stream_keep_alive_seconds
    return PrivateStream(StreamOptions(url), ListenKey(account), hints, keep_alive_seconds=keep_alive_seconds)
