"""The exchange's time, and waiting for a moment of it."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from shared.mexc.time.clock_estimate import ClockUncertainError

_NEAR_SECONDS: Final = 0.003
"""Timers come up to a millisecond or two late; this close to the moment the loop is watched instead."""


class ExchangeTime:
    """The exchange's clock, and ours where the exchange's is not known."""

    def __init__(self, exchange_ms: Callable[[], int], *, now: Callable[[], datetime]) -> None:
        self._exchange_ms = exchange_ms
        self._now = now

    def now_ms(self) -> int:
        try:
            return self._exchange_ms()
        except ClockUncertainError:
            return milliseconds(self._now())

    async def reach(self, at_ms: int) -> None:
        """Return at *at_ms*, never before it."""
        while (left := (at_ms - self.now_ms()) / 1000) > 0:  # noqa: ASYNC110 - time has no event
            # The other tasks of the loop run in each turn, so watching it delays none of them.
            await asyncio.sleep(left - _NEAR_SECONDS if left > _NEAR_SECONDS else 0)


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
