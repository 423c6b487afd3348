"""Runtime that every service gets from its process."""

import asyncio
from dataclasses import dataclass

from shared.bus.port import Bus
from shared.postgres.database import Database
from shared.process.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Runtime:
    """Bus, database, telemetry, and the stop event."""

    bus: Bus
    database: Database
    telemetry: Telemetry
    stop: asyncio.Event
