"""Pace of a log line that an outage would repeat many times a minute."""

import asyncio
from typing import Final

EVERY_SECONDS: Final = 60.0


class LogPace:
    """Lets a line be logged once a minute, at first at once."""

    def __init__(self) -> None:
        self._due_at = float("-inf")

    def is_due(self) -> bool:
        """Return whether the line is to be logged now; the next follows after a minute."""
        now = asyncio.get_running_loop().time()
        if now < self._due_at:
            return False
        self._due_at = now + EVERY_SECONDS
        return True
