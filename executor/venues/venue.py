"""The port of orders: the exchange, or a dry run of it."""

from collections.abc import Awaitable, Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from executor.model import Fill, Order, SendResult, Unanswered, Unsent
from executor.venues.lookup_schedule import EVERY_WAY, Way
from shared.mexc.orders.order_api import MayWrite, OrderRequest, SignedOrder
from shared.mexc.orders.order_reports import Balance


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
