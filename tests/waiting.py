"""Wait for something to become true, with a deadline instead of a guess."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(
    check: Callable[[], Awaitable[T]], *, within_seconds: float = 5, every_seconds: float = 0.01
) -> T: ...
@overload
async def eventually(check: Callable[[], T], *, within_seconds: float = 5, every_seconds: float = 0.01) -> T: ...
async def eventually(
    check: Callable[[], Awaitable[T] | T], *, within_seconds: float = 5, every_seconds: float = 0.01
) -> T:
    """Poll *check* until it returns something truthy, and return that.

    Raises:
        AssertionError: at the deadline, naming what *check* last returned or raised.
    """
    last = "not a single answer"
    try:
        async with asyncio.timeout(within_seconds):
            while True:
                try:
                    answer = check()
                    value = await answer if inspect.isawaitable(answer) else answer
                except Exception as error:  # noqa: BLE001 - whatever it raises may be gone at the next look
                    last = f"raised {error!r}"
                else:
                    if value:
                        return value
                    last = f"returned {value!r}"
                await asyncio.sleep(every_seconds)
    except TimeoutError:
        raise AssertionError(f"not within {within_seconds} s: the check last {last}") from None
