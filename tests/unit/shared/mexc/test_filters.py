"""The filters of exchangeInfo, as MEXC has them and as exchanges like it do."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mexc.filters import NO_FILTERS, Filters, filters_of
from shared.mexc.symbol_payloads import symbol_info
from shared.mexc.symbols import rules_of
from tests.support.data.strategies import json_values, steady


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def read(*entries: dict[str, Any]) -> Filters:
    return filters_of([raw(entry) for entry in entries])


def by_side(up: Any, down: Any) -> dict[str, Any]:
    return {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": up, "askMultiplierDown": down}


@pytest.mark.parametrize(
    ("up", "down", "band"),
    [
        ("0.005", "0.005", ("1.005", "0.995")),
        (0.03, 0.03, ("1.03", "0.97")),
        ("1.2", "0.8", ("1.2", "0.8")),
        ("5", "0.2", ("5", "0.2")),
        ("1", "1", ("1", "1")),
        ("0.5", "1.5", ("1.5", None)),
        ("5", "1.5", ("5", None)),
        ("0", "0", (None, None)),
        ("-1", "nonsense", (None, None)),
        (None, "0.05", (None, "0.95")),
        ("0.05", None, ("1.05", None)),
    ],
)
def test_a_band_below_one_is_a_share_around_the_price_and_from_one_on_a_factor(
    up: Any, down: Any, band: tuple[str | None, str | None]
) -> None:
    found = read(by_side(up, down))

    assert (found.price_up, found.price_down) == tuple(None if each is None else Decimal(each) for each in band)


def test_what_other_exchanges_name_is_read_where_its_meaning_is_unmistakable() -> None:
    found = read(
        {"filterType": "PERCENT_PRICE", "multiplierUp": "5", "multiplierDown": "0.2", "avgPriceMins": 5},
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.1", "maxQty": "900", "stepSize": "0.25"},
        {"filterType": "NOTIONAL", "minNotional": "5", "maxNotional": "9000", "applyMinToMarket": True},
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    )

    assert found == Filters(
        price_up=Decimal(5),
        price_down=Decimal("0.2"),
        price_min=Decimal("0.01"),
        price_max=Decimal(1000),
        price_step=Decimal("0.01"),
        quantity_min=Decimal("0.1"),
        quantity_max=Decimal(900),
        quantity_step=Decimal("0.25"),
        notional_min=Decimal(5),
        notional_max=Decimal(9000),
    )


def test_a_filter_that_is_not_known_is_named_and_changes_nothing() -> None:
    assert read({"filterType": "WHATEVER", "x": 1}, {"filterType": "ANOTHER"}) == Filters(unread="ANOTHER WHATEVER")


def test_nought_switches_a_filter_off() -> None:
    off = {"filterType": "PRICE_FILTER", "minPrice": "0", "maxPrice": "0.00", "tickSize": 0}

    assert read(off) == NO_FILTERS


@pytest.mark.parametrize(
    "filters", [None, [], {}, "none", 5, [None], [[]], ["x"], [{"filterType": 1}], [{"filterType": "LOT_SIZE"}]]
)
def test_filters_that_cannot_be_read_cost_a_symbol_nothing_else(filters: object) -> None:
    described = {"symbol": "ABCUSDT", "baseAssetPrecision": 2, "status": "1"}

    assert symbol_info(raw(described | {"filters": filters})) == symbol_info(raw(described))


def test_what_filters_say_travels_with_the_rules_and_the_stricter_bound_holds() -> None:
    info = symbol_info(
        raw(
            {
                "symbol": "ABCUSDT",
                "status": "1",
                "baseSizePrecision": "1",
                "quoteAmountPrecision": "5",
                "maxQuoteAmount": "100",
                "filters": [
                    by_side("0.03", "0.02"),
                    {"filterType": "LOT_SIZE", "minQty": "2", "maxQty": "7", "stepSize": "0.5"},
                    {"filterType": "MIN_NOTIONAL", "minNotional": "1"},
                    {"filterType": "NOTIONAL", "maxNotional": "50"},
                ],
            }
        )
    )
    assert info is not None
    rules = rules_of(info)

    assert rules is not None
    assert (rules.price_up, rules.price_down) == (Decimal("1.03"), Decimal("0.98"))
    assert (rules.base_quantity_min, rules.base_quantity_max, rules.base_quantity_step) == (
        Decimal(2),
        Decimal(7),
        Decimal("0.5"),
    )
    assert (rules.quote_amount_min, rules.quote_amount_max) == (Decimal(5), Decimal(50))


@steady
@given(
    st.lists(
        st.fixed_dictionaries(
            {"filterType": st.sampled_from(["PERCENT_PRICE_BY_SIDE", "PRICE_FILTER", "LOT_SIZE", "NOTIONAL"])},
            optional=dict.fromkeys(
                ("bidMultiplierUp", "askMultiplierDown", "minPrice", "stepSize", "maxQty", "minNotional"),
                st.decimals().map(str) | json_values,
            ),
        )
        | json_values,
        max_size=4,
    )
)
def test_whatever_filters_hold_bounds_are_positive_numbers_of_a_size_to_compute_with(entries: list[Any]) -> None:
    found = filters_of([raw(entry) for entry in entries])

    for name in Filters.__struct_fields__:
        bound = getattr(found, name)
        assert bound is None or isinstance(bound, str) or (bound > 0 and abs(bound.adjusted()) <= 31)
