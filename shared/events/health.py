"""Event of a component's health."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field, JsonValue

from shared.events.fields import Event, HealthStatus, Utc


class Health(Event):
    """Health of one component; sent every few seconds and on change."""

    event_type: ClassVar[str] = "sniper.health"
    producer: ClassVar[str] = "/health"

    component: str = Field(pattern=r"^[a-z][a-z0-9_-]{1,39}$")
    status: HealthStatus
    last_event_at: Utc | None = None
    sent_at: Utc
    detail: str = ""
    facts: dict[str, JsonValue] = Field(default_factory=dict)
    """Further facts by name: gates, limits, feeds, the exchange's clock."""
    process: str = Field(default="", max_length=16)
    """Which of several processes of the component reports; another after a restart. Empty where that is unknown."""
    last: bool = False
    """The last report of its process."""

    @property
    def subject(self) -> str:
        return self.component

    @property
    def time(self) -> datetime:
        return self.sent_at
