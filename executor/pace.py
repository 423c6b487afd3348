"""One budget of order requests for everything that sends them: so many a second, and so many at once."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from shared.backoff import pause

_SECOND: Final = 1.0


class Pace:
    """Lets at most *per_second* requests begin in any second, first come, first served; and *at_once* be under way.

    Whoever has a turn may write at once: nothing stands between what is checked then and the first byte, unless the
    line has to connect, after which it is checked once more.
    """

    def __init__(self, per_second: int, *, at_once: int, now: Callable[[], float] = time.monotonic) -> None:
        self._begun: deque[float] = deque(maxlen=per_second)
        self._per_second = per_second
        self._now = now
        self._queue = asyncio.Lock()
        self._free = asyncio.Semaphore(at_once)
        self._quiet_until = float("-inf")
        self._banned_until = float("-inf")

    def quiet_for(self, seconds: float, *, banned: bool) -> None:
        """Let nothing begin for so long: the exchange asked for it. When we are *banned*, no question either."""
        self._quiet_until = max(self._quiet_until, self._now() + seconds)
        if banned:
            self._banned_until = max(self._banned_until, self._now() + seconds)

    def banned_seconds(self) -> float:
        """Return for how long the exchange wants to be asked nothing at all."""
        return max(0.0, self._banned_until - self._now())

    @asynccontextmanager
    async def turn(self, *, seconds_max: float, stop: asyncio.Event) -> AsyncIterator[bool]:
        """Yield True when a request may begin, and count it; without waiting where that is now.

        Yield False where the exchange wants quiet for longer than *seconds_max*, or until *stop* is set.
        """
        async with self._free:
            yield await self._may_begin(self._now() + seconds_max, stop)

    async def _may_begin(self, until: float, stop: asyncio.Event) -> bool:
        if self._queue.locked() or self._wait_seconds() > 0:
            async with self._queue:
                while (wait_seconds := self._wait_seconds()) > 0:
                    is_quiet = self._quiet_until > self._now()
                    if self._quiet_until > until or (is_quiet and stop.is_set()):
                        return False
                    await (pause(wait_seconds, stop) if is_quiet else asyncio.sleep(wait_seconds))
        self._begun.append(self._now())
        return True

    def _wait_seconds(self) -> float:
        now = self._now()
        free_at = self._begun[0] + _SECOND if len(self._begun) == self._per_second else float("-inf")
        return max(free_at, self._quiet_until) - now
