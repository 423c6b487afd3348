"""D9: whether a purchase that got nothing may be attempted again, until when and for how much a coin."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.decisions.freshness import fresh_until
from executor.decisions.market_filters import MarketSnapshot
from executor.decisions.order_request import buy_request, price_bound
from executor.decisions.repeat_purchases import RepeatConditions, repeat_refusal, repeat_until
from executor.model.order import Order
from executor.model.order_state import OrderState
from executor.settings import ExecutorSettings
from shared.events import Mode, Side, TradingRules
from shared.mexc.orders.order_api import OrderRequest
from shared.mexc.payloads import Level, OrderBook
from tests.support.data.builders import NOON, a_listing, an_applied_config, an_order
from tests.support.data.strategies import steady

SETTINGS = ExecutorSettings()
RULES = TradingRules(base_precision=2, quote_precision=6)
UNFILLED = replace(
    an_order(),
    state=OrderState.ACKNOWLEDGED,
    answered_at=NOON,
    decided_at=NOON,
    price_max=Decimal("2.1"),
    send_until=NOON + timedelta(seconds=60),
)
ALLOWED = RepeatConditions(
    mode=UNFILLED.mode,
    halted="",
    max_trade_usdt=UNFILLED.quote_qty,
    max_position_usdt=UNFILLED.quote_qty,
    committed_usdt=UNFILLED.quote_qty,
)
PRICES = st.decimals(Decimal("0.0001"), Decimal(10_000), places=4)
PERCENTS = st.decimals(Decimal("0.1"), Decimal(1000), places=1)


@steady
@given(
    attempt=st.integers(1, 12),
    attempts_max=st.integers(1, 10),
    seconds=st.floats(0.1, 60),
    age_seconds=st.floats(1, 3600),
    state=st.sampled_from(OrderState),
    side=st.sampled_from(Side),
)
def test_a_further_attempt_begins_in_its_time_while_the_listing_is_fresh_or_not_at_all(
    attempt: int, attempts_max: int, seconds: float, age_seconds: float, state: OrderState, side: Side
) -> None:
    settings = SETTINGS.model_copy(
        update={
            "entry_attempts": attempts_max,
            "entry_attempts_seconds": seconds,
            "listing_age_seconds": age_seconds,
        }
    )
    name = None if attempt == 1 else "another"
    order = replace(UNFILLED, attempt=attempt, attempt_id=name, state=state, side=side)
    until = repeat_until(order, settings)

    is_possible = side is Side.BUY and state in {OrderState.SENDING, OrderState.ACKNOWLEDGED}
    assert (until is not None) == (is_possible and attempt < attempts_max)
    if until is not None:
        assert until <= fresh_until(order.listing, settings)
        # What was committed for the first of them bounds all others.
        assert until <= (NOON + timedelta(seconds=seconds) if attempt == 1 else order.send_until)


@pytest.mark.parametrize("unknown", [{"price_max": None}, {"answered_at": None}])
def test_what_is_not_known_of_the_first_attempt_allows_no_other(unknown: dict[str, Any]) -> None:
    assert repeat_until(replace(UNFILLED, **unknown), SETTINGS) is None


@steady
@given(first=PRICES, now=PRICES, run_up=st.none() | PERCENTS, slippage=PERCENTS, size=st.integers(1, 100_000))
def test_no_further_attempt_pays_more_a_coin_than_is_followed_nor_more_money_than_the_first(
    first: Decimal, now: Decimal, run_up: Decimal | None, slippage: Decimal, size: int
) -> None:
    settings = SETTINGS.model_copy(update={"run_up_pct_max": run_up})
    order = an_order(quote_qty=Decimal(size) / 100, config=an_applied_config(entry_slippage_pct=slippage))
    once = buy_request(order, MarketSnapshot(first, at(first), first), RULES, settings, settings.taker_fee)
    if not isinstance(once, OrderRequest):
        return
    bound = price_bound(once, first, settings)
    again = replace(order, attempt=2, attempt_id="another", price_max=bound)
    request = buy_request(again, MarketSnapshot(now, at(now), first), RULES, settings, settings.taker_fee)
    if not isinstance(request, OrderRequest):
        return

    assert bound is not None
    assert once.price is not None
    assert request.price is not None
    assert request.quantity is not None
    assert request.client_order_id == "another"
    assert request.price <= (once.price if run_up is None else first * (1 + run_up / 100))
    assert request.price <= now * (1 + slippage / 100)
    assert request.price * request.quantity * (1 + settings.taker_fee) <= order.quote_qty


def at(price: Decimal) -> OrderBook:
    level = (Level(price, Decimal(1_000_000)),)
    return OrderBook(bids=level, asks=level)


def test_an_order_without_a_price_is_never_attempted_again() -> None:
    settings = SETTINGS.model_copy(update={"entry": "market"})
    request = buy_request(an_order(), MarketSnapshot(Decimal(2)), RULES, settings, settings.taker_fee)

    assert isinstance(request, OrderRequest)
    assert price_bound(request, Decimal(2), settings) is None


def test_what_is_reserved_already_needs_no_further_room() -> None:
    assert repeat_refusal(UNFILLED, ALLOWED) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"halted": "operator: drill"}, "halted"),
        ({"mode": Mode.LIVE}, "mode_switched"),
        ({"max_trade_usdt": UNFILLED.quote_qty - Decimal("0.01")}, "limits_invalid"),
        ({"max_position_usdt": UNFILLED.quote_qty - Decimal("0.01")}, "max_position"),
        ({"committed_usdt": UNFILLED.quote_qty + Decimal("0.01")}, "max_position"),
        ({"max_trade_usdt": Decimal("NaN")}, "limits_invalid"),
    ],
)
def test_what_changed_since_the_first_attempt_forbids_another(change: dict[str, Any], reason: str) -> None:
    on_paper = replace(ALLOWED, mode=Mode.DRY_RUN)
    refused = repeat_refusal(replace(UNFILLED, mode=Mode.DRY_RUN), replace(on_paper, **change))

    assert refused is not None
    assert refused.reason == reason


def test_a_listing_that_is_stale_by_then_is_not_attempted_again() -> None:
    listing = a_listing(listed_at=NOON - timedelta(seconds=59), observed_at=NOON - timedelta(seconds=59))
    stale = replace(UNFILLED, listing=listing)

    assert repeat_until(stale, SETTINGS) == NOON + timedelta(seconds=1)


def test_the_name_of_an_order_is_that_of_its_first_attempt() -> None:
    assert an_order().sent_as == an_order().client_order_id
    further: Order = replace(UNFILLED, attempt=2, attempt_id="another")
    assert (further.sent_as, further.client_order_id) == ("another", UNFILLED.client_order_id)
