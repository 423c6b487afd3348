"""What follows an attempt: another, in which form and when, or a conclusion."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from executor.decisions.retry_corrections import AttemptContext, RetryCounts
from executor.decisions.retry_policy import EARLY_MAX, EARLY_WAIT_SECONDS, Retry, next_move
from executor.model.order_state import OrderEvent, OrderUpdate
from executor.model.reasons import Reason
from executor.model.send_result import NotOpen, Throttled, WrongSize
from executor.settings import ExecutorSettings
from shared.events import Side
from shared.mexc.orders.order_api import OrderRequest
from tests.support.data.builders import NOON, an_order

SETTINGS = ExecutorSettings(retry_every_seconds=0.25)


def a_situation(side: Side = Side.BUY, **order: Any) -> AttemptContext:
    """A capped order for 100 coins at 1, attempted once, a second after it was decided on."""
    request = OrderRequest("ABCUSDT", side, "IMMEDIATE_OR_CANCEL", "snABC", quantity=Decimal(100), price=Decimal(1))
    at, fee = NOON + timedelta(seconds=1), SETTINGS.taker_fee
    return AttemptContext(an_order(side=side, **order), request, None, RetryCounts(), at, SETTINGS, fee)


def waits(situation: AttemptContext, times: int) -> list[float]:
    """Return the waits after *times* refusals in a row because the symbol is not open."""
    found = []
    for _ in range(times):
        move = next_move(NotOpen("30001"), situation)
        assert isinstance(move, Retry)
        assert move.request == situation.request
        found.append(move.wait_seconds)
        situation = replace(situation, counts=move.counts)
    return found


def test_an_order_that_came_a_hair_before_its_opening_is_sent_again_at_once_a_few_times() -> None:
    assert waits(a_situation(fire_at=NOON), EARLY_MAX + 2) == [EARLY_WAIT_SECONDS] * EARLY_MAX + [0.25, 0.25]


def test_an_order_without_an_opening_is_not_hurried() -> None:
    assert waits(a_situation(), 2) == [0.25, 0.25]


def test_what_still_does_not_open_when_its_time_is_over_is_postponed() -> None:
    over = replace(a_situation(fire_at=NOON), now=NOON + timedelta(minutes=1))

    move = next_move(NotOpen("30001"), over)

    assert isinstance(move, OrderUpdate)
    assert move.event is OrderEvent.POSTPONED


def test_a_further_attempt_waits_for_no_opening() -> None:
    over = replace(a_situation(fire_at=NOON), now=NOON + timedelta(minutes=1))
    again = replace(over, order=replace(over.order, attempt=2, attempt_id="another"))

    move = next_move(NotOpen("30001"), again)

    assert isinstance(move, OrderUpdate)
    assert move.event is OrderEvent.LAPSED


@pytest.mark.parametrize(("told", "waited"), [(None, 1.0), (7.5, 7.5)])
def test_an_exchange_that_is_busy_is_left_alone_for_as_long_as_it_says(told: float | None, waited: float) -> None:
    move = next_move(Throttled("429", told), a_situation())

    assert isinstance(move, Retry)
    assert move.wait_seconds == waited


def test_a_sale_below_what_the_exchange_takes_is_dust_by_its_own_word() -> None:
    move = next_move(WrongSize(Reason.SIZE_REFUSED, "30002 …", Decimal(1)), a_situation(Side.SELL))

    assert isinstance(move, OrderUpdate)
    assert (move.event, move.reason) == (OrderEvent.REJECTED, Reason.BELOW_MINIMUM)


def test_a_sale_of_more_than_has_arrived_is_no_dust() -> None:
    move = next_move(WrongSize(Reason.INSUFFICIENT_BALANCE, "30005 Oversold"), a_situation(Side.SELL))

    assert isinstance(move, OrderUpdate)
    assert move.reason == Reason.INSUFFICIENT_BALANCE
