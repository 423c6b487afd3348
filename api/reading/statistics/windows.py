"""Windows of statistics: a number of hours up to now, rounded back to a full hour. Pure."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

HOURS_MAX: Final = 31 * 24


class Window(BaseModel):
    """Length of the window of statistics."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours: Annotated[int, Field(ge=1, le=HOURS_MAX)] = 24

    def since(self, now: datetime) -> datetime:
        """Return the full hour at which the window begins; *now* is in UTC."""
        return (now - timedelta(hours=self.hours)).replace(minute=0, second=0, microsecond=0)
