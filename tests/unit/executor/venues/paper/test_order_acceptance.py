"""Where a paper order would not be taken: each by what the exchange shows, in the verdict of a live order."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.model.reasons import Reason
from executor.model.send_result import Executed, NotOpen, PriceRefused, Rejected, SendResult, WrongSize
from executor.pricing.symbol_bounds import rules_violation
from executor.venues.paper.order_acceptance import (
    AGAIN_SECONDS,
    OPENING_AGAIN_SECONDS,
    STATE_AGAIN_SECONDS,
    MarketSight,
    closed,
    presumed_rules,
    would_be_taken,
)
from shared.events import Side, TradingRules
from shared.mexc.orders.order_api import OrderRequest
from shared.mexc.payloads import Level, OrderBook
from tests.support.data.builders import NOON, a_symbol_info
from tests.support.data.strategies import steady, trading_rules

BUY, SELL = Side.BUY, Side.SELL
LEVELS = (Level(Decimal(1), Decimal(100)),)
BOOK = OrderBook(bids=LEVELS, asks=LEVELS)
ASKS = OrderBook(bids=(), asks=LEVELS)
RULES = TradingRules(
    base_precision=2,
    quote_precision=4,
    base_quantity_min=Decimal("0.1"),
    quote_amount_min=Decimal(5),
    quote_amount_min_market=Decimal(5),
    quote_amount_max=Decimal(1000),
    quote_amount_max_market=Decimal(100),
)
SEEN = MarketSight(BOOK, a_symbol_info(), rules=RULES)


def shut(seen: MarketSight, side: Side = BUY, now: datetime = NOON) -> tuple[str, float] | None:
    """What the symbol says to any order, and for how long that holds."""
    found = closed(side, seen, now)
    if found is None:
        return None
    assert isinstance(found.verdict, NotOpen)
    return found.verdict.detail, found.seconds


def answer(request: OrderRequest, seen: MarketSight = SEEN, now: datetime = NOON) -> SendResult | None:
    return would_be_taken(request, seen, now, market_after_seconds=60)


def capped(quantity: str = "50", price: str = "1.05", side: Side = BUY) -> OrderRequest:
    return OrderRequest("ABCUSDT", side, "IMMEDIATE_OR_CANCEL", "sn", Decimal(quantity), Decimal(price))


def spending(amount: str = "50") -> OrderRequest:
    return OrderRequest("ABCUSDT", BUY, "MARKET", "sn", quote_order_qty=Decimal(amount))


def info(**overrides: Any) -> MarketSight:
    return replace(SEEN, info=a_symbol_info(**overrides))


def rules(**overrides: Any) -> MarketSight:
    return replace(SEEN, rules=RULES.model_copy(update=overrides))


def test_an_open_symbol_takes_orders_of_both_sides() -> None:
    assert [shut(SEEN, side) for side in Side] == [None, None]
    assert [answer(capped()), answer(capped("50", "0.95", SELL)), answer(spending())] == [None] * 3


@pytest.mark.parametrize("status", ["2", "3", "", "PAUSED"])
def test_a_symbol_that_is_not_online_takes_none(status: str) -> None:
    detail, seconds = shut(info(status=status), SELL) or ("", 0.0)

    assert detail.split()[0] in {"30000", "30016"}
    assert seconds == STATE_AGAIN_SECONDS


def test_a_symbol_that_the_exchange_does_not_know_takes_none() -> None:
    assert shut(MarketSight(BOOK, is_known=False)) == ("-1121 invalid symbol", STATE_AGAIN_SECONDS)


def test_a_symbol_that_is_not_traded_by_api_takes_none() -> None:
    assert shut(rules(api_allowed=False)) == ("10007 symbol not support api", STATE_AGAIN_SECONDS)


@pytest.mark.parametrize(
    ("side_type", "taken"),
    [(None, [BUY, SELL]), (1, [BUY, SELL]), (2, [BUY]), (3, [SELL]), (4, [])],
)
def test_only_the_sides_that_a_symbol_trades_are_taken(side_type: int | None, taken: list[Side]) -> None:
    assert [side for side in Side if shut(rules(trade_side_type=side_type), side) is None] == taken


@pytest.mark.parametrize(("ahead", "held"), [(0.5, 0.5), (3600, OPENING_AGAIN_SECONDS)])
def test_nothing_is_taken_before_the_opening(ahead: float, held: float) -> None:
    opens_at = NOON + timedelta(seconds=ahead)

    for side in Side:
        assert (shut(replace(SEEN, opens_at=opens_at), side) or ("", 0.0))[1] == held
    assert shut(replace(SEEN, opens_at=opens_at), now=opens_at) is None


def test_a_symbol_that_trades_is_open_whatever_was_said_of_its_opening() -> None:
    assert shut(replace(SEEN, book=ASKS, opens_at=NOON + timedelta(hours=1), has_traded=True)) is None


@pytest.mark.parametrize("has_traded", [False, None])
def test_offers_alone_do_not_show_that_a_symbol_trades(has_traded: bool | None) -> None:
    seen = MarketSight(ASKS, a_symbol_info(), opens_at=NOON, has_traded=has_traded)

    assert (shut(seen) or ("", 0.0))[1] == AGAIN_SECONDS
    assert shut(replace(seen, has_traded=True)) is None


def test_a_market_order_is_refused_where_the_symbol_takes_none() -> None:
    seen = info(market_orders=False)

    verdict = answer(spending(), seen)

    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.TYPE_REFUSED
    assert answer(capped(), seen) is None


def test_a_market_order_is_cancelled_unfilled_in_the_first_minute() -> None:
    seen = replace(SEEN, opened_at=NOON)

    assert answer(spending(), seen, NOON + timedelta(seconds=59)) == Executed(None)
    assert answer(spending(), seen, NOON + timedelta(seconds=60)) is None
    assert answer(capped(), seen, NOON) is None


@pytest.mark.parametrize("request_", [capped("4", "1"), spending("4.99")])
def test_less_than_the_least_is_refused_with_the_least(request_: OrderRequest) -> None:
    verdict = answer(request_)

    assert isinstance(verdict, WrongSize)
    assert (verdict.reason, verdict.notional_min) == (Reason.SIZE_REFUSED, Decimal(5))


@pytest.mark.parametrize(
    "request_", [capped("1000"), spending("101"), capped("50.001"), capped("50", "1.05001"), capped("0.09", "999")]
)
def test_more_than_the_most_or_finer_than_the_scale_is_refused(request_: OrderRequest) -> None:
    assert isinstance(answer(request_), WrongSize)


@pytest.mark.parametrize(
    ("request_", "is_taken"),
    [
        (capped(price="1.03"), True),
        (capped(price="1.0301"), False),
        (capped(price="0.97", side=SELL), True),
        (capped(price="0.9699", side=SELL), False),
    ],
)
def test_a_price_beyond_the_protection_is_refused(request_: OrderRequest, is_taken: bool) -> None:
    seen = replace(rules(price_up=Decimal("1.03"), price_down=Decimal("0.97")), last=Decimal(1))

    verdict = answer(request_, seen)

    assert verdict is None if is_taken else isinstance(verdict, PriceRefused)


def test_what_is_not_known_stands_against_nothing() -> None:
    seen = MarketSight(BOOK)

    assert (shut(seen), answer(capped("0.001", "0.000001"), seen)) == (None, None)


@given(
    trading_rules,
    st.decimals("0.00000001", 10**6, places=8),
    st.decimals("0.00000001", 10**6, places=8),
    st.sampled_from(Side),
)
@steady
def test_a_paper_order_is_refused_for_its_size_exactly_where_the_live_path_would_not_send_it(
    rules: TradingRules, quantity: Decimal, price: Decimal, side: Side
) -> None:
    request = OrderRequest("ABCUSDT", side, "IMMEDIATE_OR_CANCEL", "sn", quantity, price)

    verdict = answer(request, MarketSight(BOOK, rules=rules))

    believed = presumed_rules(side, BOOK, rules)
    assert isinstance(verdict, WrongSize) == (rules_violation(request, believed) is not None)
    assert side is SELL or believed == rules
