"""Delivery of merged messages to one address, with retries that end before the message is old."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from notifier.channel import Channel
from notifier.digest import Digest, merged
from notifier.metrics import Metrics
from notifier.notices import Notice
from shared.errors import TransientError, jittered, pause

log = structlog.get_logger(__name__)

RETRY_SECONDS_MAX: Final = 60.0


class Delivery:
    """The `Write` of one address's batches."""

    def __init__(
        self, channel: Channel, metrics: Metrics, stop: asyncio.Event, *, attempts_max: int, retry_seconds: float
    ) -> None:
        self._channel = channel
        self._metrics = metrics
        self._stop = stop
        self._attempts_max = attempts_max
        self._retry_seconds = retry_seconds
        self.failing = ""
        """Why the last message was given up; empty where it was delivered."""

    async def __call__(self, notices: Sequence[Notice]) -> None:
        """Send *notices* as one message; one that is given up shows in metrics and health."""
        await self.send(merged(notices))

    async def send(self, digest: Digest) -> None:
        """Send *digest* with retries; with a single attempt where the message before was given up."""
        attempts = 1 if self.failing else self._attempts_max
        for attempt in range(attempts):
            try:
                await self._channel.send(digest)
            except TransientError as error:
                self._metrics.failures.inc()
                if attempt + 1 == attempts or self._stop.is_set():
                    self.give_up(digest, error)
                    return
                seconds = jittered(attempt, first_seconds=self._retry_seconds, max_seconds=RETRY_SECONDS_MAX)
                await pause(seconds, self._stop)
            else:
                self.failing = ""
                self._metrics.sent.inc(digest.count)
                return

    def give_up(self, digest: Digest, error: TransientError) -> None:
        """Report *digest* as given up because of *error*, in health, metrics and the log."""
        self.failing = str(error)
        self._metrics.given_up.inc(digest.count)
        log.error("notices were given up", count=digest.count, title=digest.title, reason=str(error))
