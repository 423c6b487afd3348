"""Coalesced reads: concurrent requests for the same key share one read that began after each of them came.

So every answer is as fresh as one read for that request alone, at any number of concurrent requests.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

Read = Callable[[], Awaitable[T]]


class _PendingRead(Generic[T]):
    """Requests that came during a read of the same key: they share the next one."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()


class CoalescedReads(Generic[T]):
    """Runs at most one read per key at a time."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, _PendingRead[T] | None] = {}
        """By key; None if no request waits for the next read."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, key: Hashable, read: Read[T]) -> T:
        """Return the result of *read*, which must be equivalent for all requests of *key*; raises its exceptions."""
        if key in self._under_way:
            following = self._under_way[key]
            if following is None:
                following = self._under_way[key] = _PendingRead()
        else:
            following = _PendingRead()
            self._start(key, following, read)
        # A cancelled request must not end the read of the others.
        return await asyncio.shield(following.answer)

    def _start(self, key: Hashable, reading: _PendingRead[T], read: Read[T]) -> None:
        self._under_way[key] = None
        task = asyncio.create_task(self._run(key, reading, read), name=f"read-{key}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, key: Hashable, reading: _PendingRead[T], read: Read[T]) -> None:
        try:
            answer = await read()
        except Exception as error:  # noqa: BLE001 - passed on to the requests
            reading.answer.set_exception(error)
            reading.answer.exception()  # Retrieved, as all requests may be gone.
        except BaseException:
            reading.answer.cancel()
            raise
        else:
            reading.answer.set_result(answer)
        finally:
            following = self._under_way.pop(key, None)
            if following is not None:
                self._start(key, following, read)
