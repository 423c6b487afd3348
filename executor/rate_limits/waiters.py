"""Requests that wait for the rate limits, and the timer that admits them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from executor.rate_limits.sliding_window import Priority
from shared.mexc.weights import Cost


class Timer(Protocol):
    def cancel(self) -> None:
        """Cancel the call."""


CallLater = Callable[[float, Callable[[], None]], Timer]


def call_later(seconds: float, do: Callable[[], None]) -> Timer:
    return asyncio.get_running_loop().call_later(seconds, do)


@dataclass(order=True, slots=True)
class Waiter:
    priority: Priority
    number: int
    cost: Cost = field(compare=False)
    until: float = field(compare=False)
    """A quiet period that ends later than this is not waited for."""
    admitted: asyncio.Future[bool] = field(compare=False)
