"""Publisher of the stream: one connection listens, and each event is read and encoded once for all clients."""

import asyncio
from contextlib import suppress
from typing import Final, Never

import structlog

from api.reading.reader import READ_SECONDS_MAX
from api.streaming.frames import frame_of
from api.streaming.hub import Hub
from api.streaming.log_reader import LogReader
from api.streaming.state_loop import StateLoop
from api.streaming.states import States
from api.streaming.summaries import SummaryStates
from shared.errors import TransientError, in_a_line, jittered
from shared.events import utc_now
from shared.postgres.database import Database

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
RETRY_SECONDS_MAX: Final = 2.0


class StreamPublisher:
    """Reads the log and the states until cancelled, through outages of the database."""

    def __init__(self, database: Database, states: States, summaries: SummaryStates, hub: Hub) -> None:
        self._database = database
        self._states = states
        self._summaries = summaries
        self._hub = hub
        self._reachable = True
        self._log = LogReader(hub)

    async def run(self) -> Never:
        """Read, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_heartbeats(), name="stream-heartbeat")
            states = StateLoop(self._states, self._hub.states_requested, STATES_SECONDS)
            tasks.create_task(states.run(self._is_idle), name="stream-states")
            summaries = StateLoop(
                self._summaries, self._hub.summaries_requested, SUMMARIES_SECONDS, SUMMARIES_PAUSE_SECONDS
            )
            tasks.create_task(summaries.run(self._is_idle), name="stream-summaries")
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
                async with asyncio.timeout(READ_SECONDS_MAX):
                    await self._log.publish_new(connection)
                await self._log.prune_if_due(connection)
                self._note_recovery()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS if self._hub.subscribers else IDLE_SECONDS):
                        await self._hub.read_requested.wait()
                self._hub.read_requested.clear()

    def _is_idle(self) -> bool:
        """Return whether states need not be read: there is no client, or no database."""
        return not self._hub.subscribers or not self._reachable

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
