"""Isolation of errors in loops: an error over one item concerns that item alone.

Only TransientError ends such a loop: a shared dependency is away, and the next item would fail too.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from shared.errors import TransientError

T = TypeVar("T")
R = TypeVar("R")


async def each_isolated(
    items: Iterable[T], step: Callable[[T], Awaitable[object]], *, failed: Callable[[T, Exception], None]
) -> None:
    """Await *step* for each of *items* in turn; pass failures to *failed*, and go on."""
    for item in items:
        try:
            await step(item)
        except TransientError:
            raise
        except Exception as error:  # noqa: BLE001 - any error of a step
            failed(item, error)


def readable(items: Iterable[R], read: Callable[[R], T], *, failed: Callable[[R, Exception], None]) -> Sequence[T]:
    """Return the result of *read* for each of *items*; pass failures to *failed*, and go on."""
    made: list[T] = []
    for item in items:
        try:
            made.append(read(item))
        except Exception as error:  # noqa: BLE001 - any error of a reader
            failed(item, error)
    return made


def in_a_line(error: Exception) -> str:
    """Return the type of *error* and the first line of its message."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"[:200]
