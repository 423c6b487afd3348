"""Prompt of a check that otherwise waits for its interval: a change of a balance brings it forward."""

import asyncio
from typing import Final

from shared.errors import pause

SETTLE_SECONDS: Final = 2.0
"""From a prompt to its check: orders of ours that explain the change are settled meanwhile, and others share it."""
APART_SECONDS: Final = 5.0
"""Between checks at the least, however many prompts there are."""


class CheckPrompt:
    def __init__(self) -> None:
        self._prompted = asyncio.Event()

    def prompt(self) -> None:
        """Bring the next check forward."""
        self._prompted.set()

    async def pause(self, seconds: float, until: asyncio.Event) -> None:
        """Wait *seconds*, less where *until* is set, or soon after a prompt."""
        apart_seconds = min(seconds, APART_SECONDS)
        await pause(apart_seconds, until)
        if await self._prompted_within(seconds - apart_seconds, until):
            self._prompted.clear()
            await pause(SETTLE_SECONDS, until)

    async def _prompted_within(self, seconds: float, until: asyncio.Event) -> bool:
        waiting = [asyncio.create_task(each.wait()) for each in (self._prompted, until)]
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        return self._prompted.is_set() and not until.is_set()
