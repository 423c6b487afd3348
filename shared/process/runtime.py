"""What every service is handed by the process it runs in."""

import asyncio
from dataclasses import dataclass

from shared.bus.port import Bus
from shared.postgres.database import Database
from shared.process.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Runtime:
    """The broker, the database, the process's telemetry, and the event that asks everything to end."""

    bus: Bus
    database: Database
    telemetry: Telemetry
    stop: asyncio.Event
