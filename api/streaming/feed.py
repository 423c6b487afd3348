"""Feed of the stream: one connection listens, and each event is read and encoded once for all who are there."""

import asyncio
from contextlib import suppress
from typing import Final, Never

import structlog

from api.reading.reader import READ_SECONDS_MAX
from api.streaming import event_log, sources
from api.streaming.frames import frame_of
from api.streaming.hub import Hub
from api.streaming.states import States
from api.streaming.summaries import SummaryStates
from shared.backoff import jittered
from shared.errors import TransientError
from shared.events import utc_now
from shared.isolation import in_a_line
from shared.postgres.database import Connection, Database

log = structlog.get_logger()

STREAM_CHANNEL: Final = "sniper_stream"
"""Notified by triggers, without a payload, when rows were added to stream_events that should be read at once."""
LOOK_SECONDS: Final = 0.25
"""Listings, trades and changes of the configuration are notified. Positions and halts are not, for the executor's sake:
they are found by looking."""
IDLE_SECONDS: Final = 5.0
"""The same while nobody is there."""
STATES_SECONDS: Final = 1.0
SUMMARIES_SECONDS: Final = 5.0
"""What no event tells of, as the hour that a window begins with, is found by looking."""
SUMMARIES_PAUSE_SECONDS: Final = 2.0
"""However much happens, for all clients together."""
HEARTBEAT_SECONDS: Final = 5.0
PRUNE_SECONDS: Final = 600.0
RETRY_SECONDS_MAX: Final = 2.0


class Feed:
    """Reads the log and the states for as long as it runs, whatever becomes of the database."""

    def __init__(self, database: Database, states: States, summaries: SummaryStates, hub: Hub) -> None:
        self._database = database
        self._states = states
        self._summaries = summaries
        self._hub = hub
        self._reachable = True
        self._objections: dict[str, str] = {}
        """What was last wrong with each kind of states."""
        self._prune_due = 0.0

    async def run(self) -> Never:
        """Read, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat(), name="stream-heartbeat")
            tasks.create_task(self._keep_showing_states(), name="stream-states")
            tasks.create_task(self._keep_showing_summaries(), name="stream-summaries")
            failures = 0
            while True:
                began = asyncio.get_running_loop().time()
                try:
                    await self._follow()
                except (TransientError, TimeoutError) as error:
                    self._tell_away(in_a_line(error))
                except Exception:
                    log.exception("the stream was not read")
                if asyncio.get_running_loop().time() - began > IDLE_SECONDS:
                    failures = 0
                await asyncio.sleep(jittered(failures, max_seconds=RETRY_SECONDS_MAX))
                failures += 1
        raise AssertionError

    async def _follow(self) -> Never:
        """Listen, and read whatever is news; raises TransientError or TimeoutError once the database is away."""
        async with self._database.session() as connection:
            # A notification wakes who waits; what it was about is in the log.
            def wake(*_: object) -> None:
                self._hub.wanted.set()

            async with asyncio.timeout(READ_SECONDS_MAX):
                await connection.add_listener(STREAM_CHANNEL, wake)
            while True:
                await self._look(connection)
                await self._until_wanted()

    async def _look(self, connection: Connection) -> None:
        async with asyncio.timeout(READ_SECONDS_MAX):
            await self._read(connection)
        now = asyncio.get_running_loop().time()
        if now >= self._prune_due:
            self._prune_due = now + PRUNE_SECONDS
            await event_log.prune(connection)
        self._tell_back()

    async def _keep_showing_states(self) -> Never:
        """Show the states beside the events: however long they take to be read, they keep no event back."""
        while True:
            self._hub.watched.clear()
            if not self._hub.subscribers or not self._reachable:
                await self._hub.watched.wait()
                continue
            await self._show(self._states)
            with suppress(TimeoutError):
                async with asyncio.timeout(STATES_SECONDS):
                    await self._hub.watched.wait()

    async def _keep_showing_summaries(self) -> Never:
        """Show the summaries soon after something happened, and at most every few seconds."""
        while True:
            self._hub.stirred.clear()
            if not self._hub.subscribers or not self._reachable:
                await self._hub.stirred.wait()
                continue
            await self._show(self._summaries)
            await asyncio.sleep(SUMMARIES_PAUSE_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(SUMMARIES_SECONDS - SUMMARIES_PAUSE_SECONDS):
                    await self._hub.stirred.wait()

    async def _show(self, states: States | SummaryStates) -> None:
        try:
            await states.look()
        except (TransientError, TimeoutError) as error:
            log.debug("the states were not read", reason=in_a_line(error))
        except Exception as error:  # noqa: BLE001 - a row that makes no sense, or a configuration that is gone
            kind, reason = type(states).__name__, in_a_line(error)
            if reason != self._objections.get(kind):
                log.warning("the states cannot be shown", kind=kind, reason=reason)
                self._objections[kind] = reason

    async def _read(self, connection: Connection) -> None:
        """Hand out every event there is after the last one."""
        if self._hub.position is None:
            self._hub.begin(await event_log.head(connection))
        while True:
            await event_log.place(connection)
            assert self._hub.position is not None
            events = await event_log.after(connection, self._hub.position, limit=event_log.BATCH)
            if events:
                frames = await sources.frames(connection, events)
                self._hub.publish(events[-1].position, b"".join(frames))
            if len(events) < event_log.BATCH:
                return

    async def _until_wanted(self) -> None:
        seconds = LOOK_SECONDS if self._hub.subscribers else IDLE_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hub.wanted.wait()
        self._hub.wanted.clear()

    async def _beat(self) -> Never:
        """Show that the stream is alive, whether the database is or not."""
        while True:
            data = {"now": utc_now(), "position": self._hub.position, "database": self._reachable}
            self._hub.send(frame_of("heartbeat", data))
            await asyncio.sleep(HEARTBEAT_SECONDS)

    def _tell_away(self, reason: str) -> None:
        if self._reachable:
            log.warning("the stream waits for the database", reason=reason)
            self._reachable = False
            self._states.start_over()
            self._summaries.start_over()
            self._hub.show("database", frame_of("database", {"reachable": False}))

    def _tell_back(self) -> None:
        if not self._reachable:
            log.info("the stream goes on")
            self._reachable = True
            self._hub.watched.set()
            self._hub.stirred.set()
            self._hub.show("database", frame_of("database", {"reachable": True}))
