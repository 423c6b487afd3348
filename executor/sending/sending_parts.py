"""The parts that stand between a made request and its way out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from executor.model import Order
from executor.rate_limits.order_slots import OrderSlots
from executor.sending.absence_check import AbsenceCheck
from executor.sending.presend_check import ExchangeTime, PresendCheck
from executor.sending.request_builder import RequestBuilder
from executor.venues.venue import Venue
from shared.events import Mode


@dataclass(frozen=True, slots=True)
class SendingParts:
    """The means by which requests leave, and what stands before each."""

    venues: Mapping[Mode, Venue]
    builder: RequestBuilder
    presend: PresendCheck
    slots: OrderSlots
    time: ExchangeTime
    absence: AbsenceCheck
    sent: Callable[[Order, datetime, datetime | None], None] = lambda *_: None
    """Called after each request that left: with the order, when it left, and when it was answered."""
