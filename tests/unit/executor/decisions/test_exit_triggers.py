"""When a position is sold."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.decisions.exit_triggers import (
    ExitInputs,
    above,
    below,
    exit_due,
    floor_of,
    needs_confirmation,
    reference_of,
    rest_price_of,
)
from executor.decisions.take_profit_ladder import LadderSale
from executor.model.money import CAREFUL
from executor.model.order import ExitReason
from executor.model.position import Position, PositionState
from executor.pricing.valuation import Worth
from executor.settings import ExitSettings
from shared.control.exit_policy import NO_EXITS, ExitPolicy
from shared.events import Mode
from tests.support.data.builders import NOON, a_listing

EVERYTHING = ExitPolicy(
    take_profit_pct=Decimal(20), stop_loss_pct=Decimal(10), trailing_stop_pct=Decimal(15), holding_seconds_max=3600
)
PRICES = st.decimals(min_value=Decimal("1E-12"), max_value=Decimal("1E9"), places=14, allow_nan=False)
PERCENTS = st.decimals(min_value=Decimal("0.01"), max_value=Decimal("99.99"), places=2)


def a_position(**changes: Any) -> Position:
    """100 coins bought at 1 at noon; the price has not risen since."""
    bought = Position(
        listing=a_listing(),
        mode=Mode.LIVE,
        state=PositionState.OPEN,
        base_qty=Decimal(100),
        cost_usdt=Decimal("100.05"),
        average_price=Decimal(1),
        peak_price=Decimal(1),
        received_usdt=Decimal(0),
        sales=0,
        opened_at=NOON,
    )
    return replace(bought, **changes)


def at(price: Decimal, best_ask: Decimal | None = None) -> Worth:
    """A book so deep that all of the position is worth *price*, without a fee."""
    return Worth(price, price, price, price, price, best_ask)


def seen(bid: str | None = "1", *, after: float = 1, asked: bool = False, floor: str | None = None) -> ExitInputs:
    return ExitInputs(
        None if bid is None else at(Decimal(bid)),
        close_requested=asked,
        now=NOON + timedelta(seconds=after),
        floor=None if floor is None else Decimal(floor),
    )


@pytest.mark.parametrize(
    ("bid", "reason"),
    [
        ("0.9001", None),
        ("0.9", ExitReason.STOP_LOSS),
        ("0.1", ExitReason.STOP_LOSS),
        ("1.1999", None),
        ("1.2", ExitReason.TAKE_PROFIT),
        (None, None),
    ],
)
def test_gain_and_loss_are_measured_from_what_was_paid_for_a_coin(bid: str | None, reason: ExitReason | None) -> None:
    assert exit_due(a_position(), seen(bid), EVERYTHING) is reason


@pytest.mark.parametrize(("bid", "reason"), [("1.71", None), ("1.7", ExitReason.TRAILING_STOP)])
def test_the_trailing_stop_is_measured_from_the_peak(bid: str, reason: ExitReason | None) -> None:
    settings = ExitPolicy(trailing_stop_pct=Decimal(15))

    assert exit_due(a_position(peak_price=Decimal(2)), seen(bid), settings) is reason


@pytest.mark.parametrize(("after", "reason"), [(3599.9, None), (3600, ExitReason.HOLDING_TIME)])
def test_time_is_over_whatever_the_price(after: float, reason: ExitReason | None) -> None:
    assert exit_due(a_position(), seen(None, after=after), EVERYTHING) is reason


def test_an_operator_comes_first_then_loss_then_time_then_gain() -> None:
    high = a_position(peak_price=Decimal(9))

    assert exit_due(high, seen("0.5", after=9999, asked=True), EVERYTHING) is ExitReason.BY_HAND
    assert exit_due(high, seen("0.5", after=9999), EVERYTHING) is ExitReason.STOP_LOSS
    assert exit_due(high, seen("1.3", after=9999), EVERYTHING) is ExitReason.TRAILING_STOP
    assert exit_due(a_position(), seen("1.3", after=9999), EVERYTHING) is ExitReason.HOLDING_TIME
    assert exit_due(a_position(), seen("1.3"), EVERYTHING) is ExitReason.TAKE_PROFIT


def test_what_a_sale_left_is_sold_too() -> None:
    part = a_position(received_usdt=Decimal("40.00"))

    assert exit_due(part, seen("1"), EVERYTHING) is ExitReason.REMAINDER
    assert exit_due(part, seen("1"), NO_EXITS) is ExitReason.REMAINDER


@given(bid=PRICES, bought_at=PRICES, peak=PRICES, after=st.floats(0, 1e9))
def test_without_a_rule_nothing_is_ever_due(bid: Decimal, bought_at: Decimal, peak: Decimal, after: float) -> None:
    position = a_position(average_price=bought_at, peak_price=peak)

    assert (
        exit_due(position, ExitInputs(at(bid), close_requested=False, now=NOON + timedelta(seconds=after)), NO_EXITS)
        is None
    )


@given(price=PRICES, percent=PERCENTS)
def test_a_bid_on_the_threshold_is_due_and_one_inside_is_not(price: Decimal, percent: Decimal) -> None:
    position = a_position(average_price=price, peak_price=price)
    stop, gain = ExitPolicy(stop_loss_pct=percent), ExitPolicy(take_profit_pct=percent)
    floor, ceiling, step = below(price, percent), above(price, percent), Decimal("1E-18")

    def due(bid: Decimal, settings: ExitPolicy) -> bool:
        return exit_due(position, ExitInputs(at(bid), close_requested=False, now=NOON), settings) is not None

    assert floor < price < ceiling
    assert due(floor, stop)
    assert due(ceiling, gain)
    with localcontext(CAREFUL):
        assert not due(floor + step, stop)
        assert not due(ceiling - step, gain)


@given(bid=PRICES, peak=PRICES, percent=PERCENTS)
def test_a_lower_bid_is_never_kept_where_a_higher_one_is_stopped(bid: Decimal, peak: Decimal, percent: Decimal) -> None:
    settings, position = ExitPolicy(trailing_stop_pct=percent), a_position(peak_price=peak)
    stopped = exit_due(position, ExitInputs(at(bid), close_requested=False, now=NOON), settings) is not None
    lower = exit_due(position, ExitInputs(at(bid / 2), close_requested=False, now=NOON), settings) is not None

    assert lower or not stopped


def test_the_rest_of_a_take_profit_is_not_sold_for_less_than_a_take_profit() -> None:
    part, settings = a_position(received_usdt=Decimal("40.00")), NO_EXITS

    assert exit_due(part, seen("1.13", floor="1.14"), settings) is None
    assert exit_due(part, seen("1.14", floor="1.14"), settings) is ExitReason.REMAINDER
    assert exit_due(part, seen("0.9", floor="1.14"), EVERYTHING) is ExitReason.STOP_LOSS


def test_a_stop_is_judged_by_a_share_of_the_position_and_a_gain_by_all_of_it() -> None:
    split = Worth(
        Decimal("0.95"), whole=Decimal("0.5"), net=Decimal("0.5"), average=Decimal("0.8"), best_bid=Decimal(1)
    )
    gain = Worth(Decimal(9), whole=Decimal("1.2"), net=Decimal("1.1999"), average=Decimal(9), best_bid=Decimal(9))

    def due(worth: Worth) -> ExitReason | None:
        return exit_due(a_position(), ExitInputs(worth, close_requested=False, now=NOON), EVERYTHING)

    assert due(split) is None
    assert due(gain) is None


def test_a_stop_is_measured_from_the_reference_where_there_is_one() -> None:
    wide = a_position(stop_reference=Decimal("0.85"), peak_price=Decimal("0.85"))
    settings = ExitPolicy(stop_loss_pct=Decimal(10), trailing_stop_pct=Decimal(10))

    assert exit_due(wide, seen("0.85"), settings) is None
    assert exit_due(wide, seen("0.7650001"), settings) is None
    assert exit_due(wide, seen("0.765"), settings) is ExitReason.STOP_LOSS


@pytest.mark.parametrize(
    ("sellable", "best_ask", "reference"),
    [
        ("0.85", "1.00", "0.85"),  # A wide spread from the first.
        ("0.85", "0.85", "1"),  # Bid and ask have fallen together.
        ("0.765", "0.90", "0.85"),  # Both at once.
        ("1.5", "1.6", "0.9375"),
        ("0.01", "1.00", "0.5"),  # A hole: no more than half is taken for a spread.
        ("0.5", None, "1"),  # No asks: nothing shows a spread.
        ("1.2", "1.0", "1"),  # Crossed: no spread at all.
    ],
)
def test_the_reference_is_what_was_paid_less_the_first_spread(
    sellable: str, best_ask: str | None, reference: str
) -> None:
    worth = at(Decimal(sellable), None if best_ask is None else Decimal(best_ask))

    assert reference_of(Decimal(1), worth, ExitSettings()) == Decimal(reference)


def test_every_reason_has_its_floor() -> None:
    policy, settings = ExitPolicy(take_profit_pct=Decimal(50)), ExitSettings(exit_slippage_pct=Decimal(10))
    low, stepping = seen("0.4"), replace(seen("9"), ladder=LadderSale(Decimal(50), Decimal(20)))

    def floor(reason: ExitReason, sight: ExitInputs) -> Decimal:
        return floor_of(reason, a_position(), sight, policy, settings)

    assert floor(ExitReason.TAKE_PROFIT, seen("9")) == Decimal("1.35")
    assert floor(ExitReason.TAKE_PROFIT_STEP, stepping) == Decimal("1.08")
    assert floor(ExitReason.REMAINDER, seen("9", floor="1.35")) == Decimal("1.35")
    for reason in set(ExitReason) - {ExitReason.TAKE_PROFIT}:
        assert floor(reason, low) == Decimal("0.36")


@given(price=PRICES, percent=PERCENTS, slippage=PERCENTS, bid=PRICES)
def test_a_take_profit_never_sells_below_its_trigger_less_the_slippage(
    price: Decimal, percent: Decimal, slippage: Decimal, bid: Decimal
) -> None:
    policy, settings = ExitPolicy(take_profit_pct=percent), ExitSettings(exit_slippage_pct=slippage)
    floor = floor_of(ExitReason.TAKE_PROFIT, a_position(average_price=price), seen(f"{bid:f}"), policy, settings)

    assert floor == below(above(price, percent), slippage)


@pytest.mark.parametrize(
    ("reason", "bid", "ask", "needed"),
    [
        (ExitReason.STOP_LOSS, "0.9", "1", True),
        (ExitReason.TRAILING_STOP, "0.9", "1", True),
        (ExitReason.TAKE_PROFIT, "0.1", "1", False),
        (ExitReason.TAKE_PROFIT_STEP, "0.1", "1", False),
        (ExitReason.HOLDING_TIME, "0.51", "1", False),
        (ExitReason.HOLDING_TIME, "0.5", "1", True),
        (ExitReason.BY_HAND, "0.5", "1", True),
        (ExitReason.BY_HAND, "0.5", None, True),
        (ExitReason.HOLDING_TIME, "0.999", None, True),
        (ExitReason.REMAINDER, "0.999", None, True),
        (ExitReason.TAKE_PROFIT, "0.1", None, False),
        (ExitReason.REMAINDER, "0.001", "1", True),
    ],
)
def test_stops_and_sales_into_a_hole_need_confirmation(
    reason: ExitReason, bid: str, ask: str | None, needed: bool
) -> None:
    worth = at(Decimal(bid), None if ask is None else Decimal(ask))

    assert needs_confirmation(reason, worth, ExitSettings()) is needed


@pytest.mark.parametrize(
    ("peak", "bid", "reason"),
    [
        ("1.19", "1.06", None),  # Never 20 % in profit: the trailing stop sleeps.
        ("1.2", "1.081", None),
        ("1.2", "1.08", ExitReason.TRAILING_STOP),
        ("1.2", "0.5", ExitReason.TRAILING_STOP),
    ],
)
def test_a_trailing_stop_counts_once_its_profit_was_reached(peak: str, bid: str, reason: ExitReason | None) -> None:
    policy = ExitPolicy(trailing_stop_pct=Decimal(10), trailing_activation_pct=Decimal(20))

    assert exit_due(a_position(peak_price=Decimal(peak)), seen(bid), policy) is reason


@given(peak=PRICES, bid=PRICES, percent=PERCENTS, activation=PERCENTS)
def test_an_activation_never_makes_a_trailing_stop_due_that_is_not_due_without(
    peak: Decimal, bid: Decimal, percent: Decimal, activation: Decimal
) -> None:
    position, sight = a_position(peak_price=peak), ExitInputs(at(bid), close_requested=False, now=NOON)
    plain = ExitPolicy(trailing_stop_pct=percent)
    late = plain.model_copy(update={"trailing_activation_pct": activation})

    assert exit_due(position, sight, late) in {None, exit_due(position, sight, plain)}


def test_a_step_of_the_ladder_comes_after_stops_and_leaves_the_rest_alone() -> None:
    step = replace(seen("1.3"), ladder=LadderSale(Decimal(50), Decimal(30)))
    part = a_position(received_usdt=Decimal("40.00"))
    after_a_step = replace(seen("1"), begun_by=ExitReason.TAKE_PROFIT_STEP)
    after_a_stop = replace(step, begun_by=ExitReason.STOP_LOSS)

    assert exit_due(a_position(), step, NO_EXITS) is ExitReason.TAKE_PROFIT_STEP
    assert exit_due(a_position(), step, EVERYTHING) is ExitReason.TAKE_PROFIT
    assert exit_due(a_position(peak_price=Decimal(2)), step, EVERYTHING) is ExitReason.TRAILING_STOP
    assert exit_due(part, after_a_step, EVERYTHING) is None
    assert exit_due(part, replace(after_a_step, close_requested=True), EVERYTHING) is ExitReason.BY_HAND
    assert exit_due(part, after_a_stop, NO_EXITS) is ExitReason.REMAINDER


def test_the_rest_of_a_step_has_to_be_worth_a_sale_at_its_stop() -> None:
    settings, floor = ExitSettings(exit_slippage_pct=Decimal(10)), Decimal("1.17")
    position = a_position(stop_reference=Decimal("0.9"))

    assert rest_price_of(position, floor, NO_EXITS, settings) == floor
    assert rest_price_of(position, floor, ExitPolicy(stop_loss_pct=Decimal(50)), settings) == Decimal("0.405")


CROSSED = at(Decimal(5), best_ask=Decimal(1))


def test_no_gain_is_due_by_a_crossed_book() -> None:
    step = LadderSale(Decimal(30), at_pct=Decimal(10))
    crossed = ExitInputs(CROSSED, close_requested=False, now=NOON, floor=Decimal("1.1"), ladder=step)
    part = a_position(received_usdt=Decimal(10))

    assert exit_due(a_position(), crossed, ExitPolicy(take_profit_pct=10)) is None
    assert exit_due(part, crossed, NO_EXITS) is None


def test_a_stop_time_and_a_person_sell_by_a_crossed_book_too() -> None:
    crossed = ExitInputs(at(Decimal("0.5"), best_ask=Decimal("0.4")), close_requested=False, now=NOON)
    late = replace(crossed, now=NOON + timedelta(hours=2))
    part = a_position(received_usdt=Decimal(10))

    assert exit_due(a_position(), crossed, EVERYTHING) is ExitReason.STOP_LOSS
    assert exit_due(a_position(), late, ExitPolicy(holding_seconds_max=60)) is ExitReason.HOLDING_TIME
    assert exit_due(a_position(), replace(crossed, close_requested=True), NO_EXITS) is ExitReason.BY_HAND
    assert exit_due(part, crossed, NO_EXITS) is ExitReason.REMAINDER
