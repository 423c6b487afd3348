"""Bounded drain: consume until stopped, then give running handlers a limited time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Consume = Callable[[asyncio.TaskGroup], Coroutine[Any, Any, None]]
"""Starts a task in the group for each message, until cancelled."""


async def consume_until(until: asyncio.Event, consume: Consume, *, drain_seconds: float) -> None:
    """Run *consume* until *until* is set, then wait for the tasks it started.

    Raises TimeoutError when they need more than *drain_seconds*; they are cancelled.
    """
    async with asyncio.timeout(None) as drain, asyncio.TaskGroup() as handlers:
        consuming = handlers.create_task(consume(handlers), name="feed")
        await until.wait()
        drain.reschedule(asyncio.get_running_loop().time() + drain_seconds)
        consuming.cancel()
