"""An order from the decision to what came of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from executor.paper import Fill
from executor.reasons import Reason, worded
from shared.events import AppliedConfig, ListingKey, Mode, Side, TradeStatus


class OrderState(StrEnum):
    """Where an order stands in the journal. All but the first are final."""

    SENDING = "sending"
    FILLED = "filled"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Order:
    """One decision to buy or sell, as the journal keeps it."""

    listing_key: ListingKey
    mode: Mode
    side: Side
    symbol: str
    client_order_id: str
    quote_qty: Decimal
    """Reserved for it in USDT, fee included; zero where the decision was against it."""
    config: AppliedConfig
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Miss:
    """Why an order was not filled."""

    status: TradeStatus
    error_reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an order, and when we knew."""

    result: Fill | Miss
    answered_at: datetime


def rejected(reason: Reason) -> Miss:
    return Miss(TradeStatus.REJECTED, reason)


def rejected_because(reason: Reason, detail: str) -> Miss:
    return Miss(TradeStatus.REJECTED, worded(reason, detail))


def failed(reason: Reason, detail: str) -> Miss:
    return Miss(TradeStatus.FAILED, worded(reason, detail))


def unavailable(detail: str) -> Miss:
    return failed(Reason.EXCHANGE_UNAVAILABLE, detail)


def interrupted() -> Miss:
    return Miss(TradeStatus.FAILED, Reason.INTERRUPTED)
