"""Base model of all events."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field


class Event(BaseModel):
    """Fields of all events: an id unique per producer, a subject and a time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str]
    producer: ClassVar[str]
    schema_version: ClassVar[int] = 1
    """Incremented only for changes that break old readers; a new optional field is none."""

    id: str = Field(min_length=1)

    @property
    def subject(self) -> str:
        """Subject of the event: the symbol, or the component."""
        raise NotImplementedError

    @property
    def time(self) -> datetime:
        """Time of the event, aware, in UTC."""
        raise NotImplementedError
