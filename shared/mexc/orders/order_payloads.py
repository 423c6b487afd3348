"""The JSON bodies about orders, forgiving in form and never inventing data.

One odd entry spoils its whole list: left out, an order would look absent, or its fill smaller than it was.
"""

from collections import defaultdict
from decimal import Decimal

import msgspec

from shared.events import Side
from shared.mexc.errors import ExchangeUnavailable
from shared.mexc.lenient_numbers import Number, decimal_of, moment_of
from shared.mexc.orders.order_reports import Balance, KeyRights, OrderReport, OrderStatus, TradeReport
from shared.mexc.symbols import normalise

Word = str | int | None
"""A name or an id; MEXC's samples show the same ids as numbers and as text."""


class OrderPayload(msgspec.Struct, rename="camel"):
    symbol: str
    order_id: str | int
    client_order_id: Word = None
    orig_client_order_id: Word = None
    side: Word = None
    type: Word = None
    status: Word = None
    price: Number = None
    orig_qty: Number = None
    qty: Number = msgspec.field(name="Qty", default=None)
    """origQty by the documentation."""
    orig_quote_order_qty: Number = None
    executed_qty: Number = None
    cummulative_quote_qty: Number = None
    time: Number = None
    update_time: Number = None


class TradePayload(msgspec.Struct, rename="camel"):
    symbol: str
    id: str | int
    order_id: str | int
    price: Number
    qty: Number
    quote_qty: Number = None
    commission: Number = None
    commission_asset: str | None = None
    time: Number = None
    is_buyer: bool | None = None
    is_maker: bool | None = None
    client_order_id: Word = None


class _Balance(msgspec.Struct):
    asset: str
    free: Number
    locked: Number = None


class AccountPayload(msgspec.Struct, rename="camel"):
    balances: list[_Balance]
    # Nothing is decided by these, so an odd value counts as missing.
    can_trade: object = None
    can_withdraw: object = None
    permissions: object = None


class ListenKeyPayload(msgspec.Struct, rename="camel"):
    listen_key: str


def order_report(sent: OrderPayload) -> OrderReport:
    client_order_id = sent.orig_client_order_id if sent.client_order_id is None else sent.client_order_id
    return OrderReport(
        symbol=sent.symbol,
        order_id=str(sent.order_id),
        client_order_id=None if client_order_id is None else str(client_order_id),
        side=Side(sent.side) if sent.side in {"BUY", "SELL"} else None,
        type="" if sent.type is None else str(sent.type),
        status=_status(sent.status),
        price=_amount(sent.price),
        quantity=_amount(sent.qty if sent.orig_qty is None else sent.orig_qty),
        quote_quantity=_amount(sent.orig_quote_order_qty),
        executed_quantity=_amount(sent.executed_qty),
        executed_value=_amount(sent.cummulative_quote_qty),
        created_at=moment_of(sent.time),
        updated_at=moment_of(sent.update_time),
        status_word="" if sent.status is None else str(sent.status),
    )


def trade_report(sent: TradePayload) -> TradeReport:
    """Raises ExchangeUnavailable when the trade lacks its price or its quantity."""
    price, quantity, quote_quantity = _amount(sent.price), _amount(sent.qty), _amount(sent.quote_qty)
    if price is None or quantity is None:
        raise ExchangeUnavailable("a trade of ours without a price or a quantity")
    return TradeReport(
        symbol=sent.symbol,
        trade_id=str(sent.id),
        order_id=str(sent.order_id),
        price=price,
        quantity=quantity,
        quote_quantity=price * quantity if quote_quantity is None else quote_quantity,
        # A maker's commission may be negative.
        commission=decimal_of(sent.commission),
        commission_asset=None if sent.commission_asset is None else normalise(sent.commission_asset),
        traded_at=moment_of(sent.time),
        is_buyer=sent.is_buyer,
        is_maker=sent.is_maker,
        client_order_id=None if sent.client_order_id is None else str(sent.client_order_id),
    )


def balances(sent: AccountPayload) -> dict[str, Balance]:
    """The balances by asset, in its one spelling; raises ExchangeUnavailable when one lacks its amount."""
    read = [(normalise(each.asset), _balance(each)) for each in sent.balances]
    free, locked = defaultdict[str, Decimal](Decimal), defaultdict[str, Decimal](Decimal)
    for asset, balance in read:
        free[asset] += balance.free
        locked[asset] += balance.locked
    return {asset: Balance(amount, locked[asset]) for asset, amount in free.items()}


def key_rights(sent: AccountPayload) -> KeyRights:
    """Return the rights that the account's answer shows of the key that signed the request."""
    kinds = sent.permissions if isinstance(sent.permissions, list) else []
    return KeyRights(
        can_trade=_flag(sent.can_trade),
        can_withdraw=_flag(sent.can_withdraw),
        kinds=tuple(str(each) for each in kinds if isinstance(each, str)),
    )


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _balance(sent: _Balance) -> Balance:
    free, locked = _amount(sent.free), _amount(0 if sent.locked is None else sent.locked)
    if free is None or locked is None:
        raise ExchangeUnavailable(f"a balance of {sent.asset} without its amount")
    return Balance(free, locked)


def _amount(value: Number) -> Decimal | None:
    amount = decimal_of(value)
    return None if amount is None or amount < 0 else amount


def _status(word: Word) -> OrderStatus:
    try:
        return OrderStatus(str(word))
    except ValueError:
        return OrderStatus.UNKNOWN
