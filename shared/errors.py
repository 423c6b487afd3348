"""Errors: root types by what the bus does about them, back-off after one, and loops that survive those of an item."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import TypeVar

DOUBLINGS_MAX = 16
T = TypeVar("T")
R = TypeVar("R")


class SniperError(Exception):
    """Root of our own errors; the class docstring is the default message."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or type(self).__name__))


class TransientError(SniperError):
    """Something we depend on is away: keep the message and try again."""


class SchemaError(TransientError):
    """The tables are not those of this build, any more or yet."""


class PermanentError(SniperError):
    """Trying again cannot help: the message goes to the dead letters."""


class SettingsError(SniperError):
    """A setting is missing or wrong; the process ends with exit code 2."""


def jittered(attempt: int, *, first_seconds: float = 0.25, max_seconds: float = 10.0) -> float:
    """Return the back-off after failure number *attempt* (from 0): doubled, capped, half of it random."""
    ceiling = min(max_seconds, first_seconds * 2 ** min(attempt, DOUBLINGS_MAX))
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, not a secret


async def pause(seconds: float, stop: asyncio.Event) -> None:
    """Wait *seconds*, or less when *stop* is set."""
    # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the event.
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


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
