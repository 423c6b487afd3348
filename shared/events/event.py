"""Base model of all events."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field


class Event(BaseModel):
    """What all events share: an id unique per producer, a subject and a time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str]
    producer: ClassVar[str]
    schema_version: ClassVar[int] = 1
    """It changes only when old readers could not cope; a field that may be absent is no such change."""

    id: str = Field(min_length=1)

    @property
    def subject(self) -> str:
        """What the event is about: the symbol, or the component."""
        raise NotImplementedError

    @property
    def time(self) -> datetime:
        """When it happened, as aware UTC."""
        raise NotImplementedError
