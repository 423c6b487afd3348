from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.model.fill import Fill
from executor.model.order import ExitReason, Order
from executor.model.order_state import OrderState
from executor.model.trade_event import trade_of
from shared.events import Side, Trade
from tests.support.data.builders import NOON, a_listing, an_order
from tests.support.data.strategies import steady

DECIDED = NOON + timedelta(milliseconds=10)
FILL = Fill(Decimal(25), Decimal("49.9"), Decimal("0.02495"), "USDT", complete=True)
AMOUNTS = st.decimals("1E-15", "1E+15", allow_nan=False, allow_infinity=False)


def ordered(answered_after_ms: int | None = None, **overrides: object) -> Order:
    answered = None if answered_after_ms is None else DECIDED + timedelta(milliseconds=answered_after_ms)
    return an_order(**{"decided_at": DECIDED, "answered_at": answered} | overrides)


def test_a_fill_is_told_with_what_it_spent_and_bought() -> None:
    trade = trade_of(ordered(state=OrderState.FILLED), fill=FILL)

    assert (trade.status, trade.quote_qty, trade.base_qty) == ("filled", Decimal("49.93"), Decimal(25))
    assert (trade.average_price, trade.fee, trade.fee_asset) == (Decimal("1.996"), Decimal("0.02495"), "USDT")
    assert trade.error_reason is None


def test_a_purchase_is_told_with_what_was_reserved_beside_what_was_spent() -> None:
    trade = trade_of(ordered(state=OrderState.FILLED, quote_qty=Decimal("52.50")), fill=FILL)
    sale = trade_of(ordered(side=Side.SELL, exit_reason=ExitReason.STOP_LOSS), fill=FILL)

    assert (trade.reserved_qty, trade.quote_qty) == (Decimal("52.50"), Decimal("49.93"))
    assert sale.reserved_qty is None


def test_a_sale_is_told_with_what_it_brought_and_why() -> None:
    order = ordered(side=Side.SELL, exit_reason=ExitReason.STOP_LOSS, state=OrderState.PARTIALLY_FILLED)
    fill = Fill(Decimal(10), Decimal("19.999"), Decimal("0.01"), "USDT", complete=False)

    trade = trade_of(order, fill=fill)

    assert (trade.status, trade.quote_qty, trade.base_qty) == ("filled", Decimal("19.98"), Decimal(10))
    assert trade.exit_reason == "stop_loss"


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (OrderState.ARMED, "pending"),
        (OrderState.SENDING, "pending"),
        (OrderState.ACKNOWLEDGED, "pending"),
        (OrderState.UNKNOWN, "pending"),
        (OrderState.REJECTED, "rejected"),
        (OrderState.EXPIRED, "rejected"),
        (OrderState.FAILED, "failed"),
    ],
)
def test_where_nothing_was_bought_what_was_asked_for_is_told(state: OrderState, status: str) -> None:
    trade = trade_of(ordered(state=state), reason="why: gone")

    assert (trade.status, trade.quote_qty, trade.base_qty) == (status, Decimal("100.00"), None)
    assert trade.error_reason == "why: gone"


def test_latency_runs_from_the_decision_to_the_answer() -> None:
    trade = trade_of(ordered(37), fill=FILL)

    assert trade.latency_ms == trade.ack_latency_ms == 37
    assert trade.created_at == DECIDED + timedelta(milliseconds=37)


def test_latency_of_an_order_that_waited_runs_from_its_opening() -> None:
    opening = DECIDED + timedelta(milliseconds=250)

    assert trade_of(ordered(287, fire_at=opening), fill=FILL).latency_ms == 37


def test_latency_of_an_order_decided_on_after_its_opening_runs_from_the_decision() -> None:
    assert trade_of(ordered(37, fire_at=NOON), fill=FILL).latency_ms == 37


def test_a_clock_that_steps_back_makes_no_negative_latency() -> None:
    assert trade_of(ordered(-5000), fill=FILL).latency_ms == 0


@pytest.mark.parametrize(
    ("seconds", "latency_ms"), [(0.25, 250), (0, 1), (-5, 1), (86_400, 86_400_000), (10**8, 2**31 - 1)]
)
def test_latency_of_an_order_whose_answer_was_lost_runs_until_a_look_up_showed_it(
    seconds: float, latency_ms: int
) -> None:
    trade = trade_of(ordered(), fill=FILL, found_at=DECIDED + timedelta(seconds=seconds))

    assert (trade.latency_ms, trade.ack_latency_ms, trade.created_at) == (latency_ms, None, DECIDED)


def test_a_look_up_does_not_change_the_latency_of_an_answered_order() -> None:
    trade = trade_of(ordered(37), fill=FILL, found_at=DECIDED + timedelta(seconds=9))

    assert trade.latency_ms == trade.ack_latency_ms == 37


def test_a_refusal_was_never_answered() -> None:
    trade = trade_of(ordered(state=OrderState.REJECTED), reason="halted")

    assert (trade.latency_ms, trade.stages.answered_at, trade.created_at) == (0, None, DECIDED)


def test_a_trade_carries_the_stages_of_its_listing() -> None:
    listing = a_listing()

    stages = trade_of(ordered(20, listing=listing), fill=FILL).stages

    assert (stages.observed_at, stages.published_at) == (listing.observed_at, listing.published_at)
    assert (stages.deduplicated_at, stages.decided_at) == (listing.deduplicated_at, DECIDED)


def test_the_same_step_of_an_order_has_the_same_event_id_and_another_step_another() -> None:
    first, second, third = (
        trade_of(ordered(late, state=state))
        for late, state in ((0, OrderState.UNKNOWN), (5, OrderState.UNKNOWN), (5, OrderState.FILLED))
    )

    assert first.id == second.id != third.id


@steady
@given(base_qty=AMOUNTS, cost=AMOUNTS, fee=AMOUNTS)
def test_whatever_was_filled_can_be_told(base_qty: Decimal, cost: Decimal, fee: Decimal) -> None:
    fill = Fill(base_qty, min(cost, Decimal("1E+9")), fee, "MX", complete=True)

    trade = trade_of(ordered(state=OrderState.FILLED), fill=fill)

    assert Trade.model_validate(trade.model_dump(mode="json")) == trade


def test_an_order_found_by_a_look_up_after_its_answer_was_lost_has_no_latency() -> None:
    trade = trade_of(ordered(state=OrderState.FILLED), fill=FILL)

    assert (trade.latency_ms, trade.ack_latency_ms) == (0, None)


def test_all_fees_are_told_by_asset() -> None:
    mixed = Fill(Decimal(25), Decimal(50), Decimal("0.01"), "ABC", complete=True, other_fees={"USDT": Decimal("0.02")})

    trade = trade_of(ordered(state=OrderState.FILLED), fill=mixed)

    assert trade.fees == {"ABC": Decimal("0.01"), "USDT": Decimal("0.02")}
    assert (trade.fee, trade.fee_asset, trade.quote_qty) == (Decimal("0.01"), "ABC", Decimal("50.02"))


def test_an_order_that_waited_for_its_opening_says_when_it_was_due_and_is_timed_from_there() -> None:
    due_at = DECIDED + timedelta(seconds=30)
    waited = trade_of(ordered(answered_after_ms=30_040, fire_at=due_at))
    at_once = trade_of(ordered(answered_after_ms=40))

    assert (waited.stages.due_at, waited.latency_ms) == (due_at, 40)
    assert (at_once.stages.due_at, at_once.latency_ms) == (None, 40)
