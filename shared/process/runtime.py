"""Runtime that every service gets from its process."""

import asyncio
from dataclasses import dataclass, field

from shared.bus.port import Bus
from shared.mexc.http.shared_refusals import Refusals
from shared.postgres.database import Database
from shared.process.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Runtime:
    """Bus, database, telemetry, the stop event, and refusals of the exchange that the services share."""

    bus: Bus
    database: Database
    telemetry: Telemetry
    stop: asyncio.Event
    refusals: Refusals = field(default_factory=Refusals)
