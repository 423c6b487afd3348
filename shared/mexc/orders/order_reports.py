"""Reports of the exchange: our orders, their trades and our balances."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from shared.events import Side


class OrderStatus(StrEnum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    PARTIALLY_CANCELED = "PARTIALLY_CANCELED"
    """Ended, with fills."""
    UNKNOWN = "UNKNOWN"
    """A word of the exchange's that we do not know: neither open nor ended, as far as is known."""

    @property
    def is_open(self) -> bool:
        return self in _OPEN

    @property
    def has_ended(self) -> bool:
        """Nothing will be filled any more; earlier fills count."""
        return self in _ENDED


_OPEN: Final = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})
_ENDED: Final = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.PARTIALLY_CANCELED})


class OrderReport(msgspec.Struct, frozen=True):
    """One order. Fields that the exchange leaves out or garbles are None, also those of fills."""

    symbol: str
    order_id: str
    client_order_id: str | None
    side: Side | None
    type: str
    status: OrderStatus
    price: Decimal | None
    quantity: Decimal | None
    quote_quantity: Decimal | None
    """The amount that a market order spends."""
    executed_quantity: Decimal | None
    executed_value: Decimal | None
    """In the quote asset, without fees."""
    created_at: datetime | None
    updated_at: datetime | None
    status_word: str = ""
    """The status as it was sent."""

    @property
    def average_price(self) -> Decimal | None:
        """What a filled unit cost; None when nothing was filled or not all is known."""
        if not self.executed_quantity or self.executed_value is None:
            return None
        return self.executed_value / self.executed_quantity


class TradeReport(msgspec.Struct, frozen=True):
    """One fill of an order of ours."""

    symbol: str
    trade_id: str
    order_id: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    """Without the fee."""
    commission: Decimal | None
    commission_asset: str | None
    """The quote, the base or MX: which of them is known from here only."""
    traded_at: datetime | None
    is_buyer: bool | None
    is_maker: bool | None
    client_order_id: str | None = None


class Balance(msgspec.Struct, frozen=True):
    free: Decimal
    locked: Decimal


class KeyRights(msgspec.Struct, frozen=True):
    """The rights of an API key, or of its account: MEXC does not document which. None is unknown."""

    can_trade: bool | None
    can_withdraw: bool | None
    kinds: tuple[str, ...] = ()
    """Kinds of trading, in the exchange's words: ("SPOT",)."""
