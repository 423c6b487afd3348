from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mexc.payloads import OrderBook, PublicTrade, public_trade
from shared.mexc.symbol_payloads import symbol_info
from shared.mexc.symbols import SymbolInfo

DOCUMENTED: dict[str, Any] = {
    "symbol": "NEWUSDT",
    "status": "1",
    "baseAsset": "NEW",
    "baseAssetPrecision": 2,
    "quoteAsset": "USDT",
    "quotePrecision": 4,
    "quoteAssetPrecision": 4,
    "orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER"],
    "isSpotTradingAllowed": True,
    "quoteAmountPrecision": "1",
    "baseSizePrecision": "0.000001",
    "filters": [],
    "maxQuoteAmount": "2000000",
    "quoteAmountPrecisionMarket": "5",
    "maxQuoteAmountMarket": "100000",
    "takerCommission": "0.0005",
    "tradeSideType": 1,
    "st": False,
    "firstOpenTime": 1700000000123,
}


def read(**changes: Any) -> SymbolInfo | None:
    return symbol_info(msgspec.Raw(msgspec.json.encode(DOCUMENTED | changes)))


def read_without(name: str) -> SymbolInfo | None:
    return symbol_info(msgspec.Raw(msgspec.json.encode({k: v for k, v in DOCUMENTED.items() if k != name})))


def test_documented_symbol_is_read_whole() -> None:
    assert read() == SymbolInfo(
        symbol="NEWUSDT",
        base_asset="NEW",
        quote_asset="USDT",
        status="1",
        api_allowed=True,
        trade_side_type=1,
        first_open_time=datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC),
        base_precision=2,
        quote_precision=4,
        base_quantity_min=Decimal("0.000001"),
        quote_amount_min=Decimal(1),
        quote_amount_min_market=Decimal(5),
        quote_amount_max=Decimal(2_000_000),
        quote_amount_max_market=Decimal(100_000),
        taker_fee=Decimal("0.0005"),
        market_orders=True,
    )


@pytest.mark.parametrize(
    ("sent", "are_taken"),
    [(["LIMIT", "LIMIT_MAKER"], False), (["MARKET"], True), ([], None), (None, None), ({"odd": ["MARKET"]}, True)],
)
def test_whether_market_orders_are_taken_is_read_where_it_is_said(sent: object, are_taken: bool | None) -> None:
    info, silent = read(orderTypes=sent), read_without("orderTypes")

    assert info is not None
    assert silent is not None
    assert (info.market_orders, silent.market_orders) == (are_taken, None)


@pytest.mark.parametrize(("status", "online"), [("1", True), (1, True), ("ENABLED", True), ("2", False), (None, False)])
def test_status_is_read_in_every_spelling(status: object, *, online: bool) -> None:
    info = read(status=status)

    assert info is not None
    assert info.is_online is online


@pytest.mark.parametrize("sent", ["1", 1, 1.0])
def test_numbers_are_read_as_strings_or_numbers(sent: object) -> None:
    info = read(tradeSideType=sent, baseSizePrecision=sent)

    assert info is not None
    assert (info.trade_side_type, info.base_quantity_min) == (1, Decimal(1))


@pytest.mark.parametrize("sent", ["", "soon", None, "NaN", "Infinity", 0, -5, 10**18, True, 1, 1_700_000_000])
def test_opening_time_that_makes_no_sense_is_none(sent: object) -> None:
    info = read(firstOpenTime=sent)

    assert info is not None
    assert info.first_open_time is None


@pytest.mark.parametrize("name", sorted(DOCUMENTED.keys() - {"symbol"}))
def test_symbol_survives_the_loss_of_any_other_field(name: str) -> None:
    info = read_without(name)

    assert info is not None
    assert info.symbol == "NEWUSDT"


@pytest.mark.parametrize(("sent", "precision"), [({"quoteAssetPrecision": 0}, 0), ({"quoteAssetPrecision": None}, 4)])
def test_price_precision_has_two_names_and_may_be_zero(sent: dict[str, Any], precision: int) -> None:
    info = read(**sent)

    assert info is not None
    assert info.quote_precision == precision


def test_symbol_whose_permission_is_not_told_is_not_tradable_by_api() -> None:
    info = read_without("isSpotTradingAllowed")

    assert info is not None
    assert not info.api_allowed


@given(
    st.sampled_from(sorted(DOCUMENTED.keys() - {"symbol"})),
    st.recursive(st.none() | st.booleans() | st.text(), st.lists),
)
def test_symbol_keeps_its_name_whatever_another_field_holds(name: str, sent: object) -> None:
    info = read(**{name: sent})

    assert info is not None
    assert info.symbol == "NEWUSDT"


@pytest.mark.parametrize("entry", [b"{}", b"null", b'{"symbol":null}', b'{"symbol":"\xff"}', b'"NEWUSDT"'])
def test_entry_that_names_no_symbol_is_none(entry: bytes) -> None:
    assert symbol_info(msgspec.Raw(entry)) is None


def test_book_is_read_exactly_and_in_order() -> None:
    book = msgspec.json.decode(
        b'{"lastUpdateId":7,"bids":[["0.10","5"],["0.09","1"]],"asks":[["0.1100000000000000001","2"]],"timestamp":1}',
        type=OrderBook,
    )

    assert book.bids == ((Decimal("0.10"), Decimal(5)), (Decimal("0.09"), Decimal(1)))
    assert book.asks[0].price == Decimal("0.1100000000000000001")
    assert book.last_update_id == 7


@pytest.mark.parametrize("absurd", ["1E+999999999", "-1E+999999999", "9" * 5000])
def test_a_number_of_absurd_size_is_left_out_and_costs_no_time(absurd: str) -> None:
    info = read(tradeSideType=absurd, firstOpenTime=absurd, maxQuoteAmount=absurd)

    assert info is not None
    assert (info.trade_side_type, info.first_open_time, info.quote_amount_max) == (None, None, None)


@pytest.mark.parametrize(
    ("told", "fee"),
    [("0", "0"), (0.002, "0.002"), ("0.1", "0.1"), ("0.11", None), ("-0.001", None), ("NaN", None), (None, None)],
)
def test_a_commission_that_can_be_no_fee_is_left_out(told: object, fee: str | None) -> None:
    info = read(takerCommission=told)

    assert info is not None
    assert info.taker_fee == (None if fee is None else Decimal(fee))


@pytest.mark.parametrize("told", ["0", 0, "-1", "NaN", None])
def test_a_greatest_amount_of_nothing_is_none(told: object) -> None:
    info = read(maxQuoteAmount=told, maxQuoteAmountMarket=told)

    assert info is not None
    assert (info.quote_amount_max, info.quote_amount_max_market) == (None, None)


def test_public_trade_is_read_without_its_id() -> None:
    entry = msgspec.Raw(b'{"id":null,"price":"0.50","qty":"3","quoteQty":"1.5","time":1700000000123}')

    assert public_trade(entry) == PublicTrade(
        Decimal("0.50"), Decimal(3), datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "entry", [b'{"price":"1"}', b'{"time":1700000000123}', b'{"price":"0","time":1700000000123}', b'{"price":[]}', b"7"]
)
def test_public_trade_without_a_price_or_a_time_is_none(entry: bytes) -> None:
    assert public_trade(msgspec.Raw(entry)) is None
