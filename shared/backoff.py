"""Exponential back-off with jitter."""

import asyncio
import random
from contextlib import suppress

DOUBLINGS_MAX = 16


def jittered(attempt: int, *, first_seconds: float = 0.25, max_seconds: float = 10.0) -> float:
    """Return the back-off after failure number *attempt* (from 0): doubled, capped, half of it random."""
    ceiling = min(max_seconds, first_seconds * 2 ** min(attempt, DOUBLINGS_MAX))
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, not a secret


async def pause(seconds: float, stop: asyncio.Event) -> None:
    """Wait *seconds*, or less when *stop* is set."""
    # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the event.
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
