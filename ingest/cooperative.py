"""Long work cut into short steps, for whoever runs it to let others have their turn in between."""

from collections.abc import Callable, Collection, Generator, Iterable
from collections.abc import Set as AbstractSet
from itertools import filterfalse, islice
from typing import Final, TypeVar

T = TypeVar("T")

Steps = Generator[None, None, T]
"""Yields after each step, and returns what comes of them all."""

SYMBOLS_PER_STEP: Final = 125
"""A millisecond or two, when there is much to do for each."""
_LOOKED_UP_PER_STEP: Final = 2_000
"""Half a millisecond."""


def for_each(items: Iterable[T], act: Callable[[T], object]) -> Steps[None]:
    """Do *act* with each of *items*."""
    unread = iter(items)
    while step := tuple(islice(unread, SYMBOLS_PER_STEP)):
        for item in step:
            act(item)
        yield


def for_each_isolated(items: Iterable[T], act: Callable[[T], object], faults: list[str]) -> Steps[None]:
    """Do the same; an error over one item goes to *faults*, and concerns no other."""

    def act_alone(item: T) -> None:
        try:
            act(item)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other symbols are not to go unseen for it
            faults.append(f"{item!r:.200}: {error!r}")

    yield from for_each(items, act_alone)


def difference(symbols: Collection[str], others: AbstractSet[str]) -> Steps[set[str]]:
    """Return *symbols* without *others*."""
    left: set[str] = set()
    unread = iter(symbols if symbols is not others else ())
    for _ in range(0, len(symbols), _LOOKED_UP_PER_STEP):
        left.update(filterfalse(others.__contains__, islice(unread, _LOOKED_UP_PER_STEP)))
        yield
    return left


def run_to_end(steps: Steps[T]) -> T:
    """Take all *steps*; return what comes of them."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
