"""Feed handlers until told to stop, then give those that run a bounded time to finish."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Feed = Callable[[asyncio.TaskGroup], Coroutine[Any, Any, None]]
"""Starts a task in the group for each message, until cancelled."""


async def feed_until(until: asyncio.Event, feed: Feed, *, drain_seconds: float) -> None:
    """Run *feed* until *until* is set, then wait for the tasks it started.

    Raises TimeoutError when they need more than *drain_seconds*; they are cancelled.
    """
    async with asyncio.timeout(None) as drain, asyncio.TaskGroup() as handlers:
        feeding = handlers.create_task(feed(handlers), name="feed")
        await until.wait()
        drain.reschedule(asyncio.get_running_loop().time() + drain_seconds)
        feeding.cancel()
