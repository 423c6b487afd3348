"""Reader of the event log: publishes each new event once for all clients, and prunes the log."""

import asyncio
from typing import Final

from api.streaming import event_log, event_rows
from api.streaming.hub import Hub
from shared.postgres.database import Connection

PRUNE_SECONDS: Final = 600.0


class LogReader:
    """Publishes events to a hub, in the order of their positions."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._prune_due = 0.0

    async def publish_new(self, connection: Connection) -> None:
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

    async def prune_if_due(self, connection: Connection) -> None:
        """Prune the log, unless that was done within the last ten minutes."""
        now = asyncio.get_running_loop().time()
        if now >= self._prune_due:
            self._prune_due = now + PRUNE_SECONDS
            await event_log.prune(connection)
