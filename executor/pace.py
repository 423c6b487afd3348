"""One budget of order requests a second for everything that sends them."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

_SECOND: Final = 1.0


class Pace:
    """Lets at most *per_second* requests begin in any second, first come, first served."""

    def __init__(self, per_second: int, now: Callable[[], float] = time.monotonic) -> None:
        self._begun: deque[float] = deque(maxlen=per_second)
        self._per_second = per_second
        self._now = now
        self._queue = asyncio.Lock()
        self._quiet_until = float("-inf")

    def quiet_for(self, seconds: float) -> None:
        """Let nothing begin for so long: the exchange asked for it."""
        self._quiet_until = max(self._quiet_until, self._now() + seconds)

    async def turn(self) -> None:
        """Return when a request may begin, and count it; without waiting where that is now."""
        if not self._queue.locked() and self._wait_seconds() <= 0:
            self._begun.append(self._now())
            return
        async with self._queue:
            while (wait_seconds := self._wait_seconds()) > 0:  # noqa: ASYNC110 - time has no event
                await asyncio.sleep(wait_seconds)
            self._begun.append(self._now())

    def _wait_seconds(self) -> float:
        now = self._now()
        free_at = self._begun[0] + _SECOND if len(self._begun) == self._per_second else float("-inf")
        return max(free_at, self._quiet_until) - now
