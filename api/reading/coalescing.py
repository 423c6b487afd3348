"""Shared reads: requests for the same thing share one read, provided that it began after each of them came.

So every answer is as fresh as if it had been read for that request alone, however many ask at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

Read = Callable[[], Awaitable[T]]


class _Next(Generic[T]):
    """Requests that came while a read of the same key was under way: they share the one after it."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()


class Coalesced(Generic[T]):
    """At most one read of each key is under way."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, _Next[T] | None] = {}
        """By key; None where nobody waits for the read after this one."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, key: Hashable, read: Read[T]) -> T:
        """Return what *read* returns, which is the same as any other request for *key* would call; raise alike."""
        if key in self._under_way:
            following = self._under_way[key]
            if following is None:
                following = self._under_way[key] = _Next()
        else:
            following = _Next()
            self._start(key, following, read)
        # A request that is given up must not end the read of the others.
        return await asyncio.shield(following.answer)

    def _start(self, key: Hashable, reading: _Next[T], read: Read[T]) -> None:
        self._under_way[key] = None
        task = asyncio.create_task(self._run(key, reading, read), name=f"read-{key}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, key: Hashable, reading: _Next[T], read: Read[T]) -> None:
        try:
            answer = await read()
        except Exception as error:  # noqa: BLE001 - it is for those who asked to hear
            self._fail(reading, error)
        except BaseException:
            reading.answer.cancel()
            raise
        else:
            reading.answer.set_result(answer)
        finally:
            following = self._under_way.pop(key, None)
            if following is not None:
                self._start(key, following, read)

    def _fail(self, reading: _Next[T], error: Exception) -> None:
        reading.answer.set_exception(error)
        reading.answer.exception()  # All who asked may be gone.
