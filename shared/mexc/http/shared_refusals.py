"""Refusals of requests as too many, shared by the limiters of one process: all of them use one address."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

Notify = Callable[[float, bool], None]
"""Notifies the other limiters of so many seconds of quiet, and whether the exchange has banned the address."""


class Limiter(Protocol):
    """Limiter of a service."""

    notify: Notify

    def heard(self, quiet_seconds: float, *, banned: bool) -> None:
        """Take in a refusal that another limiter has met."""


class Refusals:
    def __init__(self) -> None:
        self._limiters: list[Limiter] = []

    @asynccontextmanager
    async def shared(self, limiter: Limiter) -> AsyncIterator[None]:
        """Share refusals between *limiter* and the others during the block."""

        def notify(quiet_seconds: float, banned: bool) -> None:  # noqa: FBT001 - a callback
            for other in self._limiters:
                if other is not limiter:
                    other.heard(quiet_seconds, banned=banned)

        limiter.notify = notify
        self._limiters.append(limiter)
        try:
            yield
        finally:
            limiter.notify = notify_none
            self._limiters.remove(limiter)


def notify_none(_quiet_seconds: float, _banned: bool) -> None:  # noqa: FBT001 - a callback
    """Notify no limiter."""
