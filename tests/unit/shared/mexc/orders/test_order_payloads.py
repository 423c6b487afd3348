"""Bodies about orders as MEXC documents them, as it was seen to send them, and as it may."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import Side
from shared.mexc.errors import ExchangeUnavailable
from shared.mexc.orders.order_payloads import (
    AccountPayload,
    OrderPayload,
    TradePayload,
    balances,
    order_report,
    trade_report,
)
from shared.mexc.orders.order_reports import Balance, OrderReport, OrderStatus, TradeReport

ORDER: dict[str, Any] = {
    "symbol": "NEWUSDT",
    "orderId": "C02__510861197621391376028",
    "orderListId": -1,
    "clientOrderId": "abc-1",
    "price": "0.10",
    "origQty": "50",
    "executedQty": "20",
    "cummulativeQuoteQty": "1.9",
    "status": "PARTIALLY_CANCELED",
    "timeInForce": None,
    "type": "IMMEDIATE_OR_CANCEL",
    "side": "BUY",
    "stopPrice": None,
    "time": 1700000000123,
    "updateTime": None,
    "origQuoteOrderQty": None,
}
TRADE: dict[str, Any] = {
    "symbol": "NEWUSDT",
    "id": "7",
    "orderId": "C02__1",
    "price": "0.1",
    "qty": "20",
    "quoteQty": "2",
    "commission": "0.001",
    "commissionAsset": "USDT",
    "time": 1700000000123,
    "isBuyer": True,
    "isMaker": False,
    "clientOrderId": None,
}
MOMENT = datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)


def read(**changes: Any) -> OrderReport:
    return order_report(msgspec.json.decode(msgspec.json.encode(ORDER | changes), type=OrderPayload))


def read_trade(**changes: Any) -> TradeReport:
    return trade_report(msgspec.json.decode(msgspec.json.encode(TRADE | changes), type=TradePayload))


def test_documented_order_is_read_whole() -> None:
    report = read()

    assert report == OrderReport(
        symbol="NEWUSDT",
        order_id="C02__510861197621391376028",
        client_order_id="abc-1",
        side=Side.BUY,
        type="IMMEDIATE_OR_CANCEL",
        status=OrderStatus.PARTIALLY_CANCELED,
        price=Decimal("0.10"),
        quantity=Decimal(50),
        quote_quantity=None,
        executed_quantity=Decimal(20),
        executed_value=Decimal("1.9"),
        created_at=MOMENT,
        updated_at=None,
        status_word="PARTIALLY_CANCELED",
    )
    assert report.average_price == Decimal("0.095")


def test_order_id_is_text_even_when_sent_as_a_number() -> None:
    assert read(orderId=1292202242976643).order_id == "1292202242976643"


def test_quantity_has_two_names() -> None:
    documented = {name: value for name, value in ORDER.items() if name != "origQty"} | {"Qty": "50"}
    report = order_report(msgspec.json.decode(msgspec.json.encode(documented), type=OrderPayload))

    assert report.quantity == 50


@pytest.mark.parametrize(
    ("sent", "is_open", "has_ended"),
    [
        ("NEW", True, False),
        ("PARTIALLY_FILLED", True, False),
        ("FILLED", False, True),
        ("CANCELED", False, True),
        ("PARTIALLY_CANCELED", False, True),
        ("EXPIRED", False, False),
        ("UNKNOWN", False, False),
        ("filled", False, False),
        ("", False, False),
        (2, False, False),
        (None, False, False),
    ],
)
def test_status_we_do_not_know_is_neither_open_nor_ended(sent: object, *, is_open: bool, has_ended: bool) -> None:
    status = read(status=sent).status

    assert (status.is_open, status.has_ended) == (is_open, has_ended)
    assert (status is OrderStatus.UNKNOWN) is not (is_open or has_ended)


@pytest.mark.parametrize("garbled", [None, "", "many", "NaN", "-5", -5, "1E+999999999"])
def test_fill_that_is_not_told_is_not_taken_for_nothing(garbled: object) -> None:
    report = read(executedQty=garbled, cummulativeQuoteQty=garbled)

    assert (report.executed_quantity, report.executed_value, report.average_price) == (None, None, None)


def test_unfilled_order_has_no_average_price() -> None:
    assert read(executedQty="0", cummulativeQuoteQty="0").average_price is None


def test_order_without_client_id_has_none() -> None:
    assert read(clientOrderId=None).client_order_id is None


def test_cancelled_order_is_known_by_its_original_client_id() -> None:
    assert read(clientOrderId=None, origClientOrderId="abc-1").client_order_id == "abc-1"


@given(
    st.sampled_from(sorted(ORDER.keys() - {"symbol", "orderId"})),
    st.none() | st.text() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False),
)
def test_order_is_read_whatever_name_or_number_another_field_holds(name: str, sent: object) -> None:
    body = msgspec.json.encode(ORDER | {name: sent})
    try:
        report = order_report(msgspec.json.decode(body, type=OrderPayload))
    except msgspec.ValidationError:
        # A fraction for a name is the one thing refused, and with it the whole answer.
        assert isinstance(sent, float)
        return

    assert (report.symbol, report.order_id) == (ORDER["symbol"], ORDER["orderId"])
    assert report.executed_quantity is None or report.executed_quantity >= 0


@pytest.mark.parametrize("missing", ["symbol", "orderId"])
def test_order_that_cannot_be_told_from_another_is_no_order(missing: str) -> None:
    body = msgspec.json.encode({name: value for name, value in ORDER.items() if name != missing})

    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=OrderPayload)


def test_documented_trade_is_read_whole() -> None:
    assert read_trade() == TradeReport(
        symbol="NEWUSDT",
        trade_id="7",
        order_id="C02__1",
        price=Decimal("0.1"),
        quantity=Decimal(20),
        quote_quantity=Decimal(2),
        commission=Decimal("0.001"),
        commission_asset="USDT",
        traded_at=MOMENT,
        is_buyer=True,
        is_maker=False,
    )


def test_value_of_a_trade_follows_from_price_and_quantity_when_it_is_not_told() -> None:
    assert read_trade(quoteQty=None).quote_quantity == Decimal("2.0")


def test_commission_that_is_not_told_is_not_taken_for_nothing() -> None:
    trade = read_trade(commission=None, commissionAsset=None)

    assert (trade.commission, trade.commission_asset) == (None, None)


@pytest.mark.parametrize("name", ["price", "qty"])
@pytest.mark.parametrize("garbled", [None, "", "-1"])
def test_trade_without_price_or_quantity_spoils_the_answer(name: str, garbled: object) -> None:
    with pytest.raises(ExchangeUnavailable):
        read_trade(**{name: garbled})


def test_balances_are_read_by_asset() -> None:
    body = b'{"balances":[{"asset":"USDT","free":"5.5","locked":"1","available":"5.5"},{"asset":"A","free":2}]}'

    assert balances(msgspec.json.decode(body, type=AccountPayload)) == {
        "USDT": Balance(Decimal("5.5"), Decimal(1)),
        "A": Balance(Decimal(2), Decimal(0)),
    }


def test_assets_are_known_by_the_one_spelling_that_listings_have() -> None:
    """Else coins that are there could not be found, and a fee in them would count as another asset's."""
    body = b'{"balances":[{"asset":"stABC","free":"5","locked":"1"},{"asset":"STABC","free":"2"}]}'
    trade = {"symbol": "STABCUSDT", "id": 1, "orderId": 2, "price": "1", "qty": "1", "commissionAsset": "stABC"}

    assert balances(msgspec.json.decode(body, type=AccountPayload)) == {"STABC": Balance(Decimal(7), Decimal(1))}
    assert trade_report(msgspec.convert(trade, TradePayload)).commission_asset == "STABC"


@pytest.mark.parametrize("garbled", ["", None, "-1", "NaN"])
def test_balance_that_is_not_told_spoils_the_answer(garbled: object) -> None:
    body = msgspec.json.encode({"balances": [{"asset": "USDT", "free": garbled, "locked": "0"}]})

    with pytest.raises(ExchangeUnavailable, match="USDT"):
        balances(msgspec.json.decode(body, type=AccountPayload))
