"""Publisher of the stream: one connection listens, and each event is read and encoded once for all clients."""

import asyncio
from contextlib import suppress
from typing import Final, Never

import structlog

from api.reading.reader import READ_SECONDS_MAX
from api.streaming import event_log, event_rows
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
"""Notified by triggers, without a payload, when rows that should be read at once were added to stream_events."""
LOOK_SECONDS: Final = 0.25
"""Polling interval. Listings, trades and changes of the configuration are notified; positions and halts are not, to
save the executor's time, and are found by polling."""
IDLE_SECONDS: Final = 5.0
"""The same without clients."""
STATES_SECONDS: Final = 1.0
SUMMARIES_SECONDS: Final = 5.0
"""Changes without an event, such as a window's next hour, are found by polling."""
SUMMARIES_PAUSE_SECONDS: Final = 2.0
"""Minimum interval, for all clients together."""
HEARTBEAT_SECONDS: Final = 5.0
PRUNE_SECONDS: Final = 600.0
RETRY_SECONDS_MAX: Final = 2.0


class StreamPublisher:
    """Reads the log and the states until cancelled, through outages of the database."""

    def __init__(self, database: Database, states: States, summaries: SummaryStates, hub: Hub) -> None:
        self._database = database
        self._states = states
        self._summaries = summaries
        self._hub = hub
        self._reachable = True
        self._objections: dict[str, str] = {}
        """Last logged error of each kind of states."""
        self._prune_due = 0.0

    async def run(self) -> Never:
        """Read, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_heartbeats(), name="stream-heartbeat")
            tasks.create_task(self._publish_states(), name="stream-states")
            tasks.create_task(self._publish_summaries(), name="stream-summaries")
            failures = 0
            while True:
                began = asyncio.get_running_loop().time()
                try:
                    await self._follow()
                except (TransientError, TimeoutError) as error:
                    self._note_outage(in_a_line(error))
                except Exception:
                    log.exception("the stream was not read")
                if asyncio.get_running_loop().time() - began > IDLE_SECONDS:
                    failures = 0
                await asyncio.sleep(jittered(failures, max_seconds=RETRY_SECONDS_MAX))
                failures += 1
        raise AssertionError

    async def _follow(self) -> Never:
        """Listen, and read new events; raises TransientError or TimeoutError if the database is unavailable."""
        async with self._database.session() as connection:
            # A notification only wakes the reader; its events are in the log.
            def wake(*_: object) -> None:
                self._hub.read_requested.set()

            async with asyncio.timeout(READ_SECONDS_MAX):
                await connection.add_listener(STREAM_CHANNEL, wake)
            while True:
                await self._read_and_prune(connection)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS if self._hub.subscribers else IDLE_SECONDS):
                        await self._hub.read_requested.wait()
                self._hub.read_requested.clear()

    async def _read_and_prune(self, connection: Connection) -> None:
        async with asyncio.timeout(READ_SECONDS_MAX):
            await self._read(connection)
        now = asyncio.get_running_loop().time()
        if now >= self._prune_due:
            self._prune_due = now + PRUNE_SECONDS
            await event_log.prune(connection)
        self._note_recovery()

    async def _publish_states(self) -> Never:
        """Publish the states concurrently with the events, which are not delayed by slow reads."""
        while True:
            self._hub.states_requested.clear()
            if not self._hub.subscribers or not self._reachable:
                await self._hub.states_requested.wait()
                continue
            await self._show(self._states)
            with suppress(TimeoutError):
                async with asyncio.timeout(STATES_SECONDS):
                    await self._hub.states_requested.wait()

    async def _publish_summaries(self) -> Never:
        """Publish the summaries soon after an event, and at most every few seconds."""
        while True:
            self._hub.summaries_requested.clear()
            if not self._hub.subscribers or not self._reachable:
                await self._hub.summaries_requested.wait()
                continue
            await self._show(self._summaries)
            await asyncio.sleep(SUMMARIES_PAUSE_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(SUMMARIES_SECONDS - SUMMARIES_PAUSE_SECONDS):
                    await self._hub.summaries_requested.wait()

    async def _show(self, states: States | SummaryStates) -> None:
        try:
            await states.refresh()
        except (TransientError, TimeoutError) as error:
            log.debug("the states were not read", reason=in_a_line(error))
        except Exception as error:  # noqa: BLE001 - an invalid row, or a missing configuration
            kind, reason = type(states).__name__, in_a_line(error)
            if reason != self._objections.get(kind):
                log.warning("the states cannot be shown", kind=kind, reason=reason)
                self._objections[kind] = reason

    async def _read(self, connection: Connection) -> None:
        """Publish every event after the last one."""
        if self._hub.position is None:
            self._hub.begin(await event_log.head(connection))
        while True:
            await event_log.assign_positions(connection)
            assert self._hub.position is not None
            events = await event_log.after(connection, self._hub.position, limit=event_log.BATCH)
            if events:
                frames = await event_rows.event_frames(connection, events)
                self._hub.publish(events[-1].position, b"".join(frames))
            if len(events) < event_log.BATCH:
                return

    async def _send_heartbeats(self) -> Never:
        """Show that the stream is alive, even without the database."""
        while True:
            data = {"now": utc_now(), "position": self._hub.position, "database": self._reachable}
            self._hub.send(frame_of("heartbeat", data))
            await asyncio.sleep(HEARTBEAT_SECONDS)

    def _note_outage(self, reason: str) -> None:
        if self._reachable:
            log.warning("the stream waits for the database", reason=reason)
            self._reachable = False
            self._states.reset()
            self._summaries.reset()
            self._hub.show("database", frame_of("database", {"reachable": False}))

    def _note_recovery(self) -> None:
        if not self._reachable:
            log.info("the stream goes on")
            self._reachable = True
            self._hub.states_requested.set()
            self._hub.summaries_requested.set()
            self._hub.show("database", frame_of("database", {"reachable": True}))
