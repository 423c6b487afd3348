"""How the whole is doing, judged from what each component last said. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from api.schemas import ComponentHealth, HealthReport, age_seconds
from shared.events import HealthStatus
from shared.health import judge


def report(rows: Iterable[Mapping[str, Any]], *, now: datetime) -> HealthReport:
    """Judge rows of bot_health at *now*."""
    components = [_component(row, now) for row in rows]
    return HealthReport(status=overall([component.status for component in components]), components=components)


def overall(statuses: list[HealthStatus]) -> HealthStatus:
    """Return one status for all: the worst there is; a part that was stopped degrades the rest."""
    if HealthStatus.ERROR in statuses:
        return HealthStatus.ERROR
    if all(status is HealthStatus.STOPPED for status in statuses):
        return HealthStatus.STOPPED
    if all(status is HealthStatus.RUNNING for status in statuses):
        return HealthStatus.RUNNING
    return HealthStatus.DEGRADED


def _component(row: Mapping[str, Any], now: datetime) -> ComponentHealth:
    said = HealthStatus(row["status"])
    status = judge(said, row["updated_at"], now=now)
    age = age_seconds(row["updated_at"], now=now)
    silent = f"silent for {age:.0f} s, last said {said}"
    return ComponentHealth(
        component_name=row["component_name"],
        status=status,
        last_event_at=row["last_event_at"],
        updated_at=row["updated_at"],
        age_seconds=age,
        detail=row["detail"] if status is said else silent,
    )
