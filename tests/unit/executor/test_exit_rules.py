"""When a position is sold."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.exit_rules import Seen, above, below, exit_due
from executor.limits import CAREFUL
from executor.order import ExitReason
from executor.position import Position, PositionState
from executor.settings import ExitSettings
from shared.events import Mode
from tests.builders import NOON, a_listing

EVERYTHING = ExitSettings(
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


def seen(bid: str | None = "1", *, after: float = 1, asked: bool = False) -> Seen:
    return Seen(None if bid is None else Decimal(bid), close_requested=asked, now=NOON + timedelta(seconds=after))


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
    settings = ExitSettings(trailing_stop_pct=Decimal(15))

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
    assert exit_due(part, seen("1"), ExitSettings()) is ExitReason.REMAINDER


@given(bid=PRICES, bought_at=PRICES, peak=PRICES, after=st.floats(0, 1e9))
def test_without_a_rule_nothing_is_ever_due(bid: Decimal, bought_at: Decimal, peak: Decimal, after: float) -> None:
    position = a_position(average_price=bought_at, peak_price=peak)

    assert (
        exit_due(position, Seen(bid, close_requested=False, now=NOON + timedelta(seconds=after)), ExitSettings())
        is None
    )


@given(price=PRICES, percent=PERCENTS)
def test_a_bid_on_the_threshold_is_due_and_one_inside_is_not(price: Decimal, percent: Decimal) -> None:
    position = a_position(average_price=price, peak_price=price)
    stop, gain = ExitSettings(stop_loss_pct=percent), ExitSettings(take_profit_pct=percent)
    floor, ceiling, step = below(price, percent), above(price, percent), Decimal("1E-18")

    def due(bid: Decimal, settings: ExitSettings) -> bool:
        return exit_due(position, Seen(bid, close_requested=False, now=NOON), settings) is not None

    assert floor < price < ceiling
    assert due(floor, stop)
    assert due(ceiling, gain)
    with localcontext(CAREFUL):
        assert not due(floor + step, stop)
        assert not due(ceiling - step, gain)


@given(bid=PRICES, peak=PRICES, percent=PERCENTS)
def test_a_lower_bid_is_never_kept_where_a_higher_one_is_stopped(bid: Decimal, peak: Decimal, percent: Decimal) -> None:
    settings, position = ExitSettings(trailing_stop_pct=percent), a_position(peak_price=peak)
    stopped = exit_due(position, Seen(bid, close_requested=False, now=NOON), settings) is not None
    lower = exit_due(position, Seen(bid / 2, close_requested=False, now=NOON), settings) is not None

    assert lower or not stopped
