"""Loops over many things in which a fault of one concerns that one.

Only TransientError ends such a loop: what everything depends on is away, and the next item would fare no better.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from shared.errors import TransientError

T = TypeVar("T")
R = TypeVar("R")


async def each_isolated(
    items: Iterable[T], step: Callable[[T], Awaitable[object]], *, failed: Callable[[T, Exception], None]
) -> None:
    """Await *step* for each of *items* in turn; hand those that it fails for to *failed*, and go on."""
    for item in items:
        try:
            await step(item)
        except TransientError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a step stumbles over
            failed(item, error)


def readable(items: Iterable[R], read: Callable[[R], T], *, failed: Callable[[R, Exception], None]) -> Sequence[T]:
    """Return what *read* makes of each of *items*; hand those that it cannot read to *failed*, and go on."""
    made: list[T] = []
    for item in items:
        try:
            made.append(read(item))
        except Exception as error:  # noqa: BLE001 - whatever a reader stumbles over
            failed(item, error)
    return made


def in_a_line(error: Exception) -> str:
    """Return the kind of *error* and the first line of its words."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"[:200]
