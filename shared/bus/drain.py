"""Bounded drain: consume until stopped, then give running handlers a limited time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog

log = structlog.get_logger(__name__)

Consume = Callable[[asyncio.TaskGroup], Coroutine[Any, Any, None]]
"""Starts a task in the group for each message, until cancelled."""
Run = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Runs until the event is set, and then finishes what it began."""


@asynccontextmanager
async def bounded_drain(what: str) -> AsyncIterator[asyncio.Timeout]:
    """Bound the end of the block, once the yielded timeout is rescheduled.

    What is under way then is cancelled, and *what* that is logged: a stop goes on in its order all the same, so that
    nothing else is cut off.
    """
    drain = asyncio.timeout(None)
    try:
        async with drain:
            yield drain
    except TimeoutError:
        if not drain.expired():
            raise
        log.warning("not finished within the time for a stop", what=what)


async def consume_until(until: asyncio.Event, consume: Consume, *, drain_seconds: float) -> None:
    """Run *consume* until *until* is set, then wait for the tasks it started; cancel them after *drain_seconds*."""
    async with bounded_drain("handlers of messages") as drain, asyncio.TaskGroup() as handlers:
        consuming = handlers.create_task(consume(handlers), name="feed")
        await until.wait()
        drain.reschedule(asyncio.get_running_loop().time() + drain_seconds)
        consuming.cancel()


@asynccontextmanager
async def running_through(runs: Mapping[str, Run], *, drain_seconds: float) -> AsyncIterator[None]:
    """Run all of *runs* until the end of the block, and let them finish; cancel those that need *drain_seconds*."""
    ended = asyncio.Event()
    async with bounded_drain(" or ".join(runs)) as drain, asyncio.TaskGroup() as tasks:
        for name, run in runs.items():
            tasks.create_task(run(ended), name=name)
        yield
        ended.set()
        drain.reschedule(asyncio.get_running_loop().time() + drain_seconds)
