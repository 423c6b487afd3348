"""Where orders go: the exchange, or a dry run of it. Both are used in the same way."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from executor.fills import Fill
from executor.order import Order
from executor.verdicts import Verdict
from shared.mexc.order_transport import MayWrite
from shared.mexc.trading import OrderRequest


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request, or none, and what it came to."""

    verdict: Verdict
    answered_at: datetime


Ready = Callable[[MayWrite], Awaitable[Attempt]]
"""Sends exactly one request when called, prepared down to its last byte. It may be called once.

What it costs money to send is not written unless it may be at the moment of writing, and is Unsent then.
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """The order was found, and nothing will be filled any more; without a fill nothing was."""

    exchange_order_id: str
    fill: Fill | None


@dataclass(frozen=True, slots=True)
class Working:
    """The order was found, and may still be filled."""

    exchange_order_id: str


@dataclass(frozen=True, slots=True)
class Absent:
    """Nobody there knows of the order, yet."""


Finding = Ended | Working | Absent


class Venue(Protocol):
    def prepare(self, order: Order, request: OrderRequest, /, *, at_ms: int | None = None) -> Ready:
        """Return what sends *request* now, or at *at_ms* of the exchange's clock; raise ClockUncertainError."""

    async def look_up(self, order: Order, /) -> Finding:
        """Return what became of *order*; raise ExchangeError where that could not be learned."""

    async def cancel(self, order: Order, exchange_order_id: str, /) -> None:
        """Ask that an order which still works ends; raise ExchangeError."""
