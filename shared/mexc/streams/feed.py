"""Health of what a stream feeds, as its connections report it."""

from typing import Protocol


class Feed(Protocol):
    """Receiver of the troubles of a stream."""

    def lost(self, reason: str) -> None:
        """Record why there is no data; a passing trouble."""

    def refused(self, reason: str) -> None:
        """Record that the exchange refuses the stream, or a part of it."""
