"""Loop that publishes states beside the events, which slow reads of states do not delay."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Never

import structlog

from api.streaming.states import States
from api.streaming.summaries import SummaryStates
from shared.errors import TransientError, in_a_line

log = structlog.get_logger()


class StateLoop:
    """Refreshes *states* when *requested*, at least every *seconds*, and at most every *pause_seconds*."""

    def __init__(
        self, states: States | SummaryStates, requested: asyncio.Event, seconds: float, pause_seconds: float = 0.0
    ) -> None:
        self._states = states
        self._requested = requested
        self._seconds = seconds
        self._pause_seconds = pause_seconds
        self._objection: str | None = None
        """Last logged error."""

    async def run(self, is_idle: Callable[[], bool]) -> Never:
        """Refresh until cancelled; while it *is_idle*, only a request begins the next look."""
        while True:
            self._requested.clear()
            if is_idle():
                await self._requested.wait()
                continue
            await self.refresh()
            await asyncio.sleep(self._pause_seconds)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds - self._pause_seconds):
                    await self._requested.wait()

    async def refresh(self) -> None:
        """Read and publish the states; log why that failed, once per reason."""
        try:
            await self._states.refresh()
        except (TransientError, TimeoutError) as error:
            log.debug("the states were not read", reason=in_a_line(error))
        except Exception as error:  # noqa: BLE001 - an invalid row, or a missing configuration
            reason = in_a_line(error)
            if reason != self._objection:
                log.warning("the states cannot be shown", kind=type(self._states).__name__, reason=reason)
                self._objection = reason
