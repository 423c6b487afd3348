"""The persister's writers on a test's database, and a look at what they wrote."""

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry

from persister.handlers import Insert, Writer
from persister.metrics import Metrics
from shared.events import HealthStatus
from shared.postgres.database import Database
from shared.process.heartbeat import Component
from tests.support.data.builders import NOON


class Writers:
    """Writers that share a registry and a component, as they do in the service."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.registry = CollectorRegistry()
        self.component = Component("persister")
        self._metrics = Metrics(self.registry)

    def to(self, table: str, insert: Insert[Any]) -> Writer[Any]:
        return Writer(table, insert, self._database, self._metrics, self.component)

    def value(self, name: str, table: str) -> float | None:
        return self.registry.get_sample_value(f"sniper_persister_{name}", {"table": table})

    @property
    def status(self) -> HealthStatus:
        return self.component.report(NOON).status


async def rows(database: Database, query: str) -> list[Mapping[str, Any]]:
    """What *query* finds."""
    async with database.connection() as connection:
        return [dict(row) for row in await connection.fetch(query)]
