"""Dispatch of notices: filtered by rules, held during quiet hours, and sent to every address."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Final

import structlog

from notifier.channel import Channel
from notifier.delivery import Delivery
from notifier.digest import summary
from notifier.duplicates import Duplicates
from notifier.metrics import Metrics
from notifier.notices import Notice
from notifier.rules import QuietHours, Rules, is_wanted
from notifier.settings import NotifierSettings
from shared.postgres.batch import Batcher, BatchLimits, batching

log = structlog.get_logger(__name__)

MERGED_MAX: Final = 50
HELD_MAX: Final = 1000
"""Held notices; beyond it the oldest are dropped. A night brings fewer."""


class NoticeDispatcher:
    """Entry point of every notice."""

    def __init__(
        self,
        rules: Rules,
        quiet_hours: QuietHours | None,
        outgoing: Sequence[tuple[Delivery, Batcher[Notice]]],
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._rules = rules
        self._quiet_hours = quiet_hours
        self._outgoing = outgoing
        self._metrics = metrics
        self._now = now
        self._duplicates = Duplicates()
        self._held: list[Notice] = []

    async def take(self, notice: Notice) -> None:
        """Return once every address has taken *notice* or given it up, or it is held, unwanted or a duplicate.

        Raises TransientError when it has to be delivered again, because the service stops.
        """
        if not is_wanted(notice, self._rules):
            return
        if not self._duplicates.claim(notice.id):
            self._metrics.duplicates.inc()
            return
        self._metrics.notices.labels(notice.kind).inc()
        if self._quiet_hours is not None and self._quiet_hours.hold(notice, self._now()):
            self._metrics.held.inc()
            self._held = [*self._held, notice][-HELD_MAX:]
            return
        try:
            async with asyncio.TaskGroup() as tasks:
                for _, batcher in self._outgoing:
                    tasks.create_task(batcher.add(notice))
        except BaseException:
            self._duplicates.release(notice.id)
            raise

    def quiet_is_over(self) -> bool:
        """Return whether quiet hours are over and notices are held."""
        return bool(self._held) and (self._quiet_hours is None or not self._quiet_hours.cover(self._now()))

    async def send_held(self) -> None:
        """Send held notices as one message."""
        held, self._held = self._held, []
        if held:
            await asyncio.gather(*(delivery.send(summary(held)) for delivery, _ in self._outgoing))

    def trouble(self) -> str:
        """Return the failing addresses; empty where none fail."""
        return "; ".join(delivery.failing for delivery, _ in self._outgoing if delivery.failing)


@asynccontextmanager
async def open_dispatcher(
    channels: Sequence[Channel],
    settings: NotifierSettings,
    metrics: Metrics,
    stop: asyncio.Event,
    *,
    now: Callable[[], datetime],
) -> AsyncIterator[NoticeDispatcher]:
    """Run one batcher per channel during the block; what they hold at its end is still sent."""
    limits = BatchLimits(MERGED_MAX, settings.merge_seconds)
    async with AsyncExitStack() as stack:
        outgoing = []
        for channel in channels:
            delivery = Delivery(
                channel, metrics, stop, attempts_max=settings.attempts_max, retry_seconds=settings.retry_seconds
            )
            outgoing.append((delivery, await stack.enter_async_context(batching(channel.name, delivery, limits))))
        yield NoticeDispatcher(settings.rules, settings.quiet_hours, outgoing, metrics, now)
