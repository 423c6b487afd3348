"""Slots of order requests: within the rate limits, and only so many at once on the connections of each side."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from executor.rate_limits.rate_limiter import RateLimiter
from executor.rate_limits.sliding_window import Priority
from shared.events import Side
from shared.mexc.weights import ORDER

_OVER_SECONDS: Final = 0.01
"""A wait for a connection that fails ends past the time of the order, by any clock."""


class OrderSlots:
    """A request with a slot may be written at once: nothing stands between the check and the first byte.

    Unless the socket has to connect, after which it is checked once more. Sales have connections of their own, so that
    purchases which hang at the exchange never delay one.
    """

    def __init__(self, limiter: RateLimiter, *, at_once: Mapping[Side, int]) -> None:
        self._limiter = limiter
        self._free = {side: asyncio.Semaphore(count) for side, count in at_once.items()}

    def quiet_for(self, seconds: float | None, *, banned: bool) -> None:
        """Let no request begin for *seconds*, as the exchange asked. None: it named no time."""
        self._limiter.refuse(seconds, banned=banned)

    def banned_seconds(self) -> float:
        """Return the seconds left of a ban."""
        return self._limiter.banned_seconds()

    def has_free_connection(self, side: Side) -> bool:
        """Return whether an order of *side* would find a connection at once."""
        return not self._free[side].locked()

    def slot(self, side: Side, *, seconds_max: float, stop: asyncio.Event) -> "OrderSlot":
        """Return the slot to enter before sending one order: True when it may begin, and is counted.

        It does not wait where that is now. It is False where no connection was free, or a quiet period lasts, for
        longer than *seconds_max*, or where *stop* is set in a quiet period.
        """
        priority = Priority.EXIT if side is Side.SELL else Priority.PURCHASE
        return OrderSlot(self._limiter, self._free[side], priority, seconds_max, stop)


@dataclass(slots=True)
class OrderSlot:
    """One request, from the wait for a connection to its answer. No generator: orders wait for this."""

    limiter: RateLimiter
    connection: asyncio.Semaphore
    priority: Priority
    seconds_max: float
    stop: asyncio.Event
    is_held: bool = False

    async def __aenter__(self) -> bool:
        if self.connection.locked():
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self.seconds_max) + _OVER_SECONDS):
                    self.is_held = await self.connection.acquire()
        else:  # The usual case: a timer would cost more than the rest.
            self.is_held = await self.connection.acquire()
        if not self.is_held:
            return False
        try:
            return await self.limiter.acquire(self.priority, ORDER, seconds_max=self.seconds_max, stop=self.stop)
        except BaseException:
            self._give_back()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._give_back()

    def _give_back(self) -> None:
        if self.is_held:
            self.is_held = False
            self.connection.release()
