"""Several services in one process on real servers, and what they made of what they were sent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

from dedup.service import serve as serve_dedup
from dedup.settings import DedupSettings
from executor.service import serve as serve_executor
from executor.settings import ExecutorSettings
from persister.service import serve as serve_persister
from persister.settings import PersisterSettings
from shared.bus.port import Bus, Message
from shared.errors import TransientError, jittered
from shared.process.runtime import Runtime
from shared.settings import ExchangeSettings
from tests.support.running.services import rabbitmq_runtime, serving

NOWHERE: Final = Path("/nonexistent")
"""Holds no file that would halt trading."""
PUBLISHED_AT_LAST: Final = 4
"""Attempts at a publication before the last one."""
Service: TypeAlias = Callable[[Runtime], Coroutine[None, None, None]]


async def dedup(runtime: Runtime) -> None:
    await serve_dedup(runtime, DedupSettings())


async def persister(runtime: Runtime) -> None:
    await serve_persister(runtime, PersisterSettings())


def executor(rest_url: str) -> Service:
    """Return the executor, trading on what the exchange at *rest_url* offers."""

    async def serve(runtime: Runtime) -> None:
        venue = ExchangeSettings(mexc_rest_url=rest_url)
        await serve_executor(runtime, ExecutorSettings(), venue, NOWHERE)

    return serve


@asynccontextmanager
async def pipeline(database_url: str, broker_url: str, *services: Service) -> AsyncIterator[Runtime]:
    """Run *services* for the time of the block, on one bus and one database."""
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(rabbitmq_runtime(database_url, broker_url))
        for service in services:
            await stack.enter_async_context(serving(runtime, service))
        yield runtime


async def publish_all(bus: Bus, messages: Iterable[Message]) -> None:
    """Publish *messages* at once, and return when the broker has them all; it may be busy for a while."""

    async def published(message: Message) -> None:
        for attempt in range(PUBLISHED_AT_LAST):
            with suppress(TransientError):
                await bus.publish(message)
                return
            await asyncio.sleep(jittered(attempt))
        await bus.publish(message)

    async with asyncio.TaskGroup() as tasks:
        for message in messages:
            tasks.create_task(published(message))


async def rows(runtime: Runtime, query: str) -> list[Mapping[str, Any]]:
    """Return what *query* finds."""
    async with runtime.database.connection() as connection:
        return [dict(row) for row in await connection.fetch(query)]


async def has_rows(runtime: Runtime, table: str, count: int) -> bool:
    """Return whether *table* holds that many rows."""
    [found] = await rows(runtime, f"SELECT count(*) FROM {table}")
    return bool(found["count"] == count)
