"""The port of orders, the exchange or a dry run of it; and the ways to look for an order, with their times."""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from executor.model import Fill, Order, SendResult, Unanswered, Unsent
from shared.mexc.orders.order_api import MayWrite, OrderRequest, SignedOrder
from shared.mexc.orders.order_reports import Balance

REMEMBERED: Final = timedelta(days=7)
"""For how long the exchange shows an order."""


class Way(StrEnum):
    """A question whose answer shows an order, or that there is none."""

    EXCHANGE_ID = "by the exchange's id"
    CLIENT_ID = "by client id"
    OPEN_ORDERS = "open orders"
    ALL_ORDERS = "all orders"
    TRADES = "trades"
    BALANCE = "balance"
    """Of a sale: coins that are all there and free were not sold."""


class Rung(NamedTuple):
    """One way, its weight, and its times."""

    way: Way
    weight: int
    first_after_seconds: float
    """Since the order was decided on."""
    every_seconds: float
    """0: at every look."""


LADDER: Final[Sequence[Rung]] = (
    Rung(Way.EXCHANGE_ID, 2, 0, 0),
    Rung(Way.CLIENT_ID, 2, 0, 0),
    Rung(Way.OPEN_ORDERS, 3, 2, 10),
    Rung(Way.ALL_ORDERS, 10, 4, 30),
    Rung(Way.TRADES, 10, 4, 30),
    Rung(Way.BALANCE, 10, 2, 5),
)
"""Cheapest first; a look ends at the first way that shows the order."""
EVERY_WAY: Final = tuple(rung.way for rung in LADDER)
AGAIN_AFTER: Final = tuple(
    timedelta(seconds=seconds) for seconds in (20, 60, 120, 300, 1_800, 21_600, 86_400, 259_200, 601_200)
)
"""When an order that was given up is looked for again, after that; the last time is an hour before it is forgotten."""


def ways_due(tried: Mapping[Way, datetime], began: datetime, decisive: datetime, now: datetime) -> Sequence[Way]:
    """Return the ways to look in *now* for an order that was decided on when it *began*.

    From the *decisive* moment on, each way counts only where it was tried since.
    """
    return [rung.way for rung in LADDER if _is_due(rung, tried.get(rung.way), began, decisive, now)]


def _is_due(rung: Rung, tried_at: datetime | None, began: datetime, decisive: datetime, now: datetime) -> bool:
    if decisive < now and (tried_at is None or tried_at <= decisive):
        return True
    if now - began < timedelta(seconds=rung.first_after_seconds):
        return False
    return tried_at is None or abs(now - tried_at) >= timedelta(seconds=rung.every_seconds)


def times_due(given_up_at: datetime, now: datetime) -> int:
    """Return how often an order that was given up should have been looked for again by *now*."""
    return sum(now - given_up_at >= after for after in AGAIN_AFTER)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request, or none, and its result."""

    verdict: SendResult
    ended_at: datetime
    is_written: bool = True

    @property
    def answered_at(self) -> datetime | None:
        """The time of the exchange's answer; None where nothing was written, or answered."""
        is_answered = self.is_written and not isinstance(self.verdict, Unsent | Unanswered)
        return self.ended_at if is_answered else None


@dataclass(frozen=True, slots=True)
class Ended:
    """The order was found, and nothing will be filled any more; without a fill nothing was."""

    exchange_order_id: str
    fill: Fill | None
    note: str = ""
    """What a person should know of it."""


@dataclass(frozen=True, slots=True)
class Untold:
    """The order got this by its own figures or by its trades, and the two do not add up."""

    exchange_order_id: str
    fill: Fill
    why: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """The order was found in a state that has no meaning here: it may work, and may have ended."""

    exchange_order_id: str
    word: str
    executed_quantity: Decimal | None


@dataclass(frozen=True, slots=True)
class Working:
    """The order was found, and may still be filled."""

    exchange_order_id: str


@dataclass(frozen=True, slots=True)
class Absent:
    """The exchange does not show the order, yet."""

    others: frozenset[str] = frozenset()
    """The exchange's ids of orders that were traded meanwhile, of which it may be one."""


Finding = Ended | Untold | Unclear | Working | Absent


class Venue(Protocol):
    def sign(self, request: OrderRequest, /, *, at_ms: int | None = None) -> SignedOrder:
        """Return *request* down to its last byte, for now or for *at_ms* of the exchange's clock.

        Raises ClockUncertainError.
        """

    def send(self, order: Order, signed: SignedOrder, may_write: MayWrite, /) -> Awaitable[Attempt]:
        """Send exactly one request of *order*; each that was *signed* may be sent once.

        One that costs money is not written unless it may be at the moment of writing, and is Unsent then.
        """

    async def look_up(self, order: Order, ways: Collection[Way] = EVERY_WAY, /, *, has_ended: bool = False) -> Finding:
        """Return what became of *order*, looked for in *ways*; raise ExchangeError where that could not be learned.

        *has_ended* says so of an order whose state has no meaning here.
        """

    async def balance(self, asset: str, /) -> Balance | None:
        """Return the account's balance of *asset*; None where nothing bought or sold shows in an account."""

    async def cancel(self, order: Order, exchange_order_id: str, /) -> None:
        """Ask that an order which still works ends; raise ExchangeError."""
