"""Model of trading: order and fill, position, states, reasons and results of sending; pure."""

from executor.model.decided import Decided, Outcome
from executor.model.fill import WORST_FEE, Fill, fees_of, fill_with_fees
from executor.model.money import CAREFUL, CENT
from executor.model.newest import keep_newest
from executor.model.order import ExitReason, Order, client_order_id, is_ours
from executor.model.order_state import AT_LARGE, FINAL, TABLE, Effect, OrderEvent, OrderState, OrderUpdate, executed
from executor.model.position import (
    CLOSED,
    ENDED,
    NO_TRADING,
    Position,
    PositionState,
    Sale,
    WatchedPosition,
    after_sale,
    is_named_apart,
    realised,
    written_off,
)
from executor.model.price_source import PriceSource
from executor.model.reasons import Reason, Refusal, worded
from executor.model.send_result import (
    Accepted,
    Executed,
    NotOpen,
    PriceRefused,
    Rejected,
    SendResult,
    Throttled,
    TimestampRefused,
    Unanswered,
    Unsent,
    WrongSize,
)
from executor.model.trade_event import trade_of

__all__ = [
    "AT_LARGE",
    "CAREFUL",
    "CENT",
    "CLOSED",
    "ENDED",
    "FINAL",
    "NO_TRADING",
    "TABLE",
    "WORST_FEE",
    "Accepted",
    "Decided",
    "Effect",
    "Executed",
    "ExitReason",
    "Fill",
    "NotOpen",
    "Order",
    "OrderEvent",
    "OrderState",
    "OrderUpdate",
    "Outcome",
    "Position",
    "PositionState",
    "PriceRefused",
    "PriceSource",
    "Reason",
    "Refusal",
    "Rejected",
    "Sale",
    "SendResult",
    "Throttled",
    "TimestampRefused",
    "Unanswered",
    "Unsent",
    "WatchedPosition",
    "WrongSize",
    "after_sale",
    "client_order_id",
    "executed",
    "fees_of",
    "fill_with_fees",
    "is_named_apart",
    "is_ours",
    "keep_newest",
    "realised",
    "trade_of",
    "worded",
    "written_off",
]
