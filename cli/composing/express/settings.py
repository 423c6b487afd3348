"""Settings of the express way."""

from shared.settings import Settings


class ExpressSettings(Settings):
    """The express way from a sighting to its order, in one process."""

    express: bool = True
    """Whether `sniper up` takes it. `sniper run express` always does."""
