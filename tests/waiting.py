"""Wait for something to become true, with a deadline instead of a guess."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar, overload

T = TypeVar("T")
SLOWEST_SECONDS: Final = 0.1


@overload
async def eventually(
    check: Callable[[], Awaitable[T]], *, within_seconds: float = 30, every_seconds: float = 0.01
) -> T: ...
@overload
async def eventually(check: Callable[[], T], *, within_seconds: float = 30, every_seconds: float = 0.01) -> T: ...
async def eventually(
    check: Callable[[], Awaitable[T] | T], *, within_seconds: float = 30, every_seconds: float = 0.01
) -> T:
    """Poll *check* until it returns something truthy, and return that.

    What is waited for longer is looked at less often, so that waiting takes little of what is waited for: a look is
    late by a twentieth of the wait at most.

    Raises:
        AssertionError: at the deadline, naming what *check* last returned or raised.
    """
    last, loop = "not a single answer", asyncio.get_running_loop()
    began = loop.time()
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
                await asyncio.sleep(max(every_seconds, min((loop.time() - began) / 20, SLOWEST_SECONDS)))
    except TimeoutError:
        raise AssertionError(f"not within {within_seconds} s: the check last {last}") from None
