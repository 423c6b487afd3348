"""Refusals of the exchange as too many requests, told to every limiter of one process: all ask from one address."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

Tell = Callable[[float, bool], None]
"""Tells the others that the exchange wants so many seconds of quiet, and whether it has banned the address."""


class Limiter(Protocol):
    """Limiter of a service."""

    tell: Tell

    def heard(self, quiet_seconds: float, *, banned: bool) -> None:
        """Take in what another limiter was told by the exchange."""


class Refusals:
    def __init__(self) -> None:
        self._limiters: list[Limiter] = []

    @asynccontextmanager
    async def shared(self, limiter: Limiter) -> AsyncIterator[None]:
        """Let *limiter* hear of the refusals of others during the block, and them of its own."""

        def tell(quiet_seconds: float, banned: bool) -> None:  # noqa: FBT001 - a callback
            for other in self._limiters:
                if other is not limiter:
                    other.heard(quiet_seconds, banned=banned)

        limiter.tell = tell
        self._limiters.append(limiter)
        try:
            yield
        finally:
            limiter.tell = nobody
            self._limiters.remove(limiter)


def nobody(_quiet_seconds: float, _banned: bool) -> None:  # noqa: FBT001 - a callback
    """Tell nobody."""
