from decimal import Decimal
from typing import Any

import pytest

from executor.decisions.market_filters import Market, gate, reference_price
from executor.model.reasons import Reason, Refusal
from executor.settings import EntrySettings
from shared.mexc.payloads import Level, OrderBook

PRICE = Decimal(100)


def levels(*named: tuple[str, str]) -> tuple[Level, ...]:
    return tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in named)


BOOK = OrderBook(bids=levels(("98", "1")), asks=levels(("102", "2"), ("105", "3"), ("106", "4")))
ONE_SIDED = OrderBook(bids=(), asks=BOOK.asks)
EMPTY = OrderBook(bids=(), asks=())


def a_market(reference: str | None = "100", book: OrderBook | None = BOOK, first_price: str | None = "100") -> Market:
    return Market(_number(reference), book, _number(first_price))


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def shut(market: Market, price_max: Decimal | None = Decimal(105), **settings: Any) -> Refusal | None:
    return gate(market, price_max, EntrySettings(**settings))


def test_a_coin_costs_what_the_frame_that_showed_it_says() -> None:
    assert reference_price(Decimal(99), BOOK) == Decimal(99)
    assert reference_price(Decimal(99), None) == Decimal(99)


def test_without_such_a_price_it_costs_what_it_is_offered_for() -> None:
    assert reference_price(None, BOOK) == Decimal(102)
    assert reference_price(None, OrderBook(bids=(), asks=levels(("NaN", "1"), ("3", "1")))) == Decimal(3)


@pytest.mark.parametrize("book", [None, EMPTY])
def test_without_either_nobody_knows_what_it_costs(book: OrderBook | None) -> None:
    assert reference_price(None, book) is None


def test_without_gates_everything_passes() -> None:
    assert shut(Market(None), None) is None


@pytest.mark.parametrize(("limit", "passes"), [("2", True), ("1.99", False)])
def test_run_up_is_measured_to_what_the_coin_is_offered_for_now(limit: str, passes: bool) -> None:
    expected = None if passes else Refusal(Reason.RUN_UP, "2.0 %")

    assert shut(a_market(), run_up_pct_max=limit) == expected


def test_run_up_is_measured_to_the_reference_where_that_is_dearer() -> None:
    assert shut(a_market(reference="110"), run_up_pct_max=9) == Refusal(Reason.RUN_UP, "10.0 %")
    assert shut(a_market(reference="110", book=None), run_up_pct_max=9) == Refusal(Reason.RUN_UP, "10.0 %")


def test_a_price_just_above_the_limit_has_run_up_however_many_decimals_tell_it() -> None:
    market = a_market(reference=f"102.{'0' * 30}1", book=None)

    assert shut(market, run_up_pct_max=2) == Refusal(Reason.RUN_UP, "2.0 %")


def test_a_price_that_fell_has_not_run_up() -> None:
    assert shut(a_market(first_price="500"), run_up_pct_max=1) is None


@pytest.mark.parametrize(
    "market",
    [
        a_market(first_price=None),
        a_market(first_price="NaN"),
        a_market(first_price="0"),
        a_market(reference="NaN"),
        a_market(reference=None, book=None),
        a_market(reference=None, book=EMPTY),
    ],
)
def test_run_up_that_cannot_be_judged_refuses(market: Market) -> None:
    assert shut(market, run_up_pct_max=1000) == Refusal(Reason.RUN_UP, "nobody knows how far")


@pytest.mark.parametrize(("limit", "passes"), [("4", True), ("3.99", False)])
def test_spread_is_a_share_of_the_middle(limit: str, passes: bool) -> None:
    expected = None if passes else Refusal(Reason.SPREAD, "4.0 %")

    assert shut(a_market(), spread_pct_max=limit) == expected


@pytest.mark.parametrize(
    "book", [None, ONE_SIDED, OrderBook(BOOK.bids, ()), OrderBook(levels(("103", "1")), BOOK.asks)]
)
def test_a_spread_that_cannot_be_judged_refuses(book: OrderBook | None) -> None:
    assert shut(a_market(book=book), spread_pct_max=1000) == Refusal(Reason.SPREAD, "nobody knows how far")


@pytest.mark.parametrize(("least", "passes"), [("519", True), ("519.01", False)])
def test_depth_is_what_is_offered_up_to_the_price_we_would_pay(least: str, passes: bool) -> None:
    expected = None if passes else Refusal(Reason.DEPTH, "519.00")

    assert shut(a_market(), Decimal(105), depth_usdt_min=least) == expected


def test_depth_passes_over_offers_that_make_no_sense() -> None:
    book = OrderBook(bids=(), asks=levels(("NaN", "1"), ("1", "Infinity"), ("1", "5")))

    assert shut(a_market(book=book), depth_usdt_min="5.01") == Refusal(Reason.DEPTH, "5.00")


def test_depth_that_cannot_be_judged_refuses() -> None:
    expected = Refusal(Reason.DEPTH, "nobody knows how much")

    assert shut(a_market(book=None), depth_usdt_min="0.01") == expected
    assert shut(a_market(), None, depth_usdt_min="0.01") == expected
    assert shut(a_market(book=EMPTY), depth_usdt_min="0.01") == Refusal(Reason.DEPTH, "0.00")


def test_how_wide_a_spread_is_is_told_in_per_cent() -> None:
    book = OrderBook(bids=levels(("50", "1")), asks=levels(("150", "1")))

    assert shut(a_market(book=book), spread_pct_max=99) == Refusal(Reason.SPREAD, "100.0 %")


def test_a_bid_at_the_ask_leaves_no_spread() -> None:
    assert shut(a_market(book=OrderBook(BOOK.asks, BOOK.asks)), spread_pct_max="0.01") is None


def test_all_gates_that_are_set_are_asked() -> None:
    gates: dict[str, Any] = {"run_up_pct_max": 2, "spread_pct_max": 4, "depth_usdt_min": 519}

    assert shut(a_market(), **gates) is None
    for tighter in ({"run_up_pct_max": 1}, {"spread_pct_max": 1}, {"depth_usdt_min": 1000}):
        assert shut(a_market(), **gates | tighter) is not None
