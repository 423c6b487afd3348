"""Settings of the express way."""

from typing import Final

from pydantic import Field

from shared.settings import Settings

SPINNING_TIMES: Final = 10
"""How many times as often it is rehearsed while the event loop spins, which takes the core anyway."""


class ExpressSettings(Settings):
    """The express way from a sighting to its order, in one process."""

    express: bool = True
    """Whether `sniper up` takes it. `sniper run express` always does."""
    express_rehearsal_seconds: float = Field(default=0.1, ge=0.005, le=60)
    """Interval at which the way is rehearsed, up to an order that is not committed; a tenth of it with
    `SNIPER_EXPRESS_SPIN`."""
    express_spin: bool = False
    """Whether the event loop never sleeps: an order waits for no wake-up. It takes a whole core."""
    express_core: int | None = Field(default=None, ge=0, le=4095)
    """The core that the process stays on, by its number in /proc/cpuinfo; any that is allowed unless given."""

    @property
    def rehearsed_every_seconds(self) -> float:
        """Return the interval between rehearsals of the way."""
        return self.express_rehearsal_seconds / (SPINNING_TIMES if self.express_spin else 1)
