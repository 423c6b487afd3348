"""The turns of order requests: within the exchange's limits, and only so many at once on the lines of each side."""

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
"""Who waited for a line in vain is past the time of the order, by any clock."""


class OrderSlots:
    """With a turn a request may be written at once: nothing stands between the check and the first byte.

    Unless the line has to connect, after which it is checked once more. Sales have lines of their own, so that
    purchases which hang at the exchange never hold one up.
    """

    def __init__(self, limiter: RateLimiter, *, at_once: Mapping[Side, int]) -> None:
        self._limiter = limiter
        self._free = {side: asyncio.Semaphore(count) for side, count in at_once.items()}

    def quiet_for(self, seconds: float | None, *, banned: bool) -> None:
        """Let nothing begin for so long: the exchange asked for it. None: it named no time."""
        self._limiter.refuse(seconds, banned=banned)

    def banned_seconds(self) -> float:
        """Return for how long a ban holds."""
        return self._limiter.banned_seconds()

    def has_free_connection(self, side: Side) -> bool:
        """Return whether an order of *side* would find a line at once."""
        return not self._free[side].locked()

    def turn(self, side: Side, *, seconds_max: float, stop: asyncio.Event) -> "OrderSlot":
        """Return what is entered to send one order: with True when it may begin, and is counted.

        It does not wait where that is now. It is False where no line was free, or the exchange wants quiet, for longer
        than *seconds_max*, or until *stop* is set.
        """
        priority = Priority.EXIT if side is Side.SELL else Priority.PURCHASE
        return OrderSlot(self._limiter, self._free[side], priority, seconds_max, stop)


@dataclass(slots=True)
class OrderSlot:
    """One request, from the wait for a line to its answer. No generator: orders wait for this."""

    limiter: RateLimiter
    line: asyncio.Semaphore
    priority: Priority
    seconds_max: float
    stop: asyncio.Event
    has_free_connection: bool = False

    async def __aenter__(self) -> bool:
        if not await self._find_line():
            return False
        try:
            return await self.limiter.acquire(self.priority, ORDER, seconds_max=self.seconds_max, stop=self.stop)
        except BaseException:
            self._give_back()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._give_back()

    async def _find_line(self) -> bool:
        if not self.line.locked():  # The usual case has nothing to wait for, and a timer costs more than the rest.
            self.has_free_connection = await self.line.acquire()
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, self.seconds_max) + _OVER_SECONDS):
                self.has_free_connection = await self.line.acquire()
        return self.has_free_connection

    def _give_back(self) -> None:
        if self.has_free_connection:
            self.has_free_connection = False
            self.line.release()
