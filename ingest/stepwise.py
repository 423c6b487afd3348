"""Cooperative multitasking: long work in short steps, between which other tasks run."""

import asyncio
from collections.abc import Callable, Collection, Generator, Iterable
from collections.abc import Set as AbstractSet
from itertools import filterfalse, islice
from typing import Final, TypeVar

T = TypeVar("T")

Steps = Generator[None, None, T]
"""Yields after each step, and returns the result."""

SYMBOLS_PER_STEP: Final = 125
"""One or two milliseconds of work, when each symbol takes much."""
_LOOKED_UP_PER_STEP: Final = 2_000
"""Half a millisecond of work."""


def for_each(items: Iterable[T], act: Callable[[T], object]) -> Steps[None]:
    """Call *act* with each of *items*."""
    unread = iter(items)
    while step := tuple(islice(unread, SYMBOLS_PER_STEP)):
        for item in step:
            act(item)
        yield


def for_each_isolated(items: Iterable[T], act: Callable[[T], object], faults: list[str]) -> Steps[None]:
    """Call *act* with each of *items*; record an error over one item in *faults*, and go on."""
    unread = iter(items)
    while step := tuple(islice(unread, SYMBOLS_PER_STEP)):
        for item in step:
            try:
                act(item)
            except Exception as error:  # noqa: BLE001 - an error over one symbol must not hide the others
                faults.append(f"{item!r:.200}: {error!r}")
        yield


def difference(symbols: Collection[str], others: AbstractSet[str]) -> Steps[set[str]]:
    """Return *symbols* without *others*."""
    left: set[str] = set()
    unread = iter(symbols if symbols is not others else ())
    for _ in range(0, len(symbols), _LOOKED_UP_PER_STEP):
        left.update(filterfalse(others.__contains__, islice(unread, _LOOKED_UP_PER_STEP)))
        yield
    return left


def run_to_end(steps: Steps[T]) -> T:
    """Run all *steps*; return the result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


async def run_cooperatively(steps: Steps[T]) -> T:
    """Run all *steps*, yielding to other tasks between them; return the result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        await asyncio.sleep(0)
