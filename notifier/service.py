"""Notifier: consume events, and send messages to people. Wiring only."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from notifier.channel import AppriseChannel, addresses
from notifier.dispatcher import NoticeDispatcher, open_dispatcher
from notifier.halt_watch import HaltWatch
from notifier.health_watch import HealthWatch
from notifier.metrics import Metrics
from notifier.notices import Notice, notice_of
from notifier.settings import NotifierSettings
from notifier.telegram.bot import Bot
from notifier.telegram.commands import Operations
from shared.bus.port import Message
from shared.control.halts import halts_in_force
from shared.errors import PermanentError, TransientError, pause
from shared.events import Health, HealthStatus, utc_now
from shared.postgres.database import Database
from shared.process.heartbeat import Component, heartbeat
from shared.process.runtime import Runtime
from shared.wire import cloudevents
from shared.wire.topology import NOTIFIER_EVENTS, require_own_route

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 2.0


async def serve(runtime: Runtime, settings: NotifierSettings, operations: Operations) -> None:
    """Send notices and take commands until the runtime's stop event is set."""
    component, metrics, stop = Component("notifier"), Metrics(runtime.telemetry.registry), runtime.stop
    runtime.telemetry.ready_when("notifier", lambda: not stop.is_set())
    channels = [
        AppriseChannel(
            plugin, throttle_seconds=settings.throttle_seconds, timeout_seconds=settings.send_timeout_seconds
        )
        for plugin in addresses(settings.urls.get_secret_value())
    ]
    health = HealthWatch()
    async with (
        heartbeat(component, runtime.bus),
        open_dispatcher(channels, settings, metrics, stop, now=utc_now) as dispatcher,
        asyncio.TaskGroup() as tasks,
    ):
        handler = Receiver(dispatcher, health, component)
        tasks.create_task(runtime.bus.consume(NOTIFIER_EVENTS, handler, until=stop), name=NOTIFIER_EVENTS.name)
        look = PeriodicChecks(dispatcher, health, runtime.database, component, tasks)
        tasks.create_task(look.run(stop), name="notifier looks")
        if settings.telegram_token is not None:
            bot = Bot(settings, operations, metrics)
            tasks.create_task(bot.run(stop), name="telegram commands")


class Receiver:
    """Bus handler. Unreadable events are dropped, since the queue has no dead letters."""

    def __init__(self, dispatcher: NoticeDispatcher, health: HealthWatch, component: Component) -> None:
        self._dispatcher = dispatcher
        self._health = health
        self._component = component

    async def __call__(self, message: Message) -> Sequence[Message]:
        try:
            event = cloudevents.decode(message.body)
            require_own_route(event, message)
        except PermanentError as error:
            log.warning("an event cannot be read, so nobody is notified", reason=str(error))
            return ()
        notice = self._health.heard(event, utc_now()) if isinstance(event, Health) else notice_of(event)
        if not isinstance(event, Health):
            self._component.saw_event(utc_now())
        if notice is not None:
            await self._dispatcher.take(notice)
        return ()


class PeriodicChecks:
    """Periodic checks for silent components, halts, the end of quiet hours and failing addresses.

    No check waits for an address: each notice is sent in a task of its own.
    """

    def __init__(
        self,
        dispatcher: NoticeDispatcher,
        health: HealthWatch,
        database: Database,
        component: Component,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._dispatcher = dispatcher
        self._health = health
        self._database = database
        self._component = component
        self._tasks = tasks
        self._halts = HaltWatch()

    async def run(self, stop: asyncio.Event) -> None:
        """Check at intervals until *stop* is set."""
        while not stop.is_set():
            notices = [*self._health.fell_silent(utc_now()), *await self._halted()]
            for notice in notices:
                self._tasks.create_task(self._send(notice), name=f"notice {notice.id}")
            if self._dispatcher.quiet_is_over():
                self._tasks.create_task(self._dispatcher.send_held(), name="held notices")
            trouble = self._dispatcher.trouble()
            self._component.set(HealthStatus.DEGRADED if trouble else HealthStatus.RUNNING, trouble)
            await pause(LOOK_SECONDS, stop)

    async def _halted(self) -> Sequence[Notice]:
        try:
            async with self._database.connection() as connection:
                return list(self._halts.looked(await halts_in_force(connection), utc_now()))
        except TransientError as error:
            log.debug("halts were not read", reason=str(error))
            return ()

    async def _send(self, notice: Notice) -> None:
        try:
            await self._dispatcher.take(notice)
        except TransientError as error:
            log.warning("a notice was not sent", notice=notice.title, reason=str(error))
