"""Health of the components and of the whole."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, JsonValue

from api.schemas.base import Answer
from shared.events import HealthStatus, Source

Overall = Literal["ok", "degraded", "error"]


class ComponentHealth(Answer):
    """One row of bot_health, judged now."""

    component_name: str
    status: HealthStatus
    last_event_at: AwareDatetime | None
    updated_at: AwareDatetime
    age_seconds: float
    detail: str
    facts: dict[str, JsonValue] = {}  # noqa: RUF012 - copied by pydantic
    """Further facts: gates, limits, feeds and the like."""


class Feed(Answer):
    """One data feed of ingest from the exchange."""

    name: str
    age_seconds: float
    """Since its last data."""
    trouble: str
    """Empty while it is healthy."""
    optional: bool
    """Whether listings are also detected without it."""


class LatestListing(Answer):
    """The latest stored listing."""

    symbol: str
    source: Source
    created_at: AwareDatetime
    age_seconds: float


class Troubles(Answer):
    """Warnings and errors logged by one process in the last hour."""

    process: str
    components: list[str]
    warnings: int
    errors: int
    latest: list[str]
    """Newest first, each with its time."""


class Health(Answer):
    """Overall health, each component, and the freshness of data from the exchange."""

    status: Overall
    version: str
    now: AwareDatetime
    components: list[ComponentHealth]
    feeds: list[Feed]
    latest_listing: LatestListing | None
    troubles: list[Troubles]
    gap: str
    """Since when no report of any component is stored, so that a silent one may run; empty while reports are."""


class Alive(Answer):
    """The process is alive."""

    status: Literal["ok"] = "ok"


def age_seconds(since: datetime, *, now: datetime) -> float:
    """Return the seconds since *since*; never negative, even if two clocks disagree."""
    return round(max(0.0, (now - since).total_seconds()), 1)
