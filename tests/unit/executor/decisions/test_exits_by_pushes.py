"""What pushes of a stream come to, one after another, and beside looks."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from executor.decisions.exit_evaluator import ExitDecision, LookTime
from executor.model.order import ExitReason
from executor.pricing.valuation import Quote
from tests.support.data.builders import NOON
from tests.unit.executor.decisions.test_exit_evaluator import FAIR, FALLEN, PLENTY, RULES, Looks, book

RISEN = book(("1.3", PLENTY), ask="1.31")


class Pushes(Looks):
    """The same by pushes, ten milliseconds apart, each with a number of its own unless one is given."""

    number = 0

    def push(self, quote: Quote, *, number: int | None = None, after: float = 0.01) -> ExitDecision:
        self.seconds += after
        self.number = self.number + 1 if number is None else number
        return self.evaluator.evaluate(self.held, quote, RULES, self.at, push=self.number)

    def trade(self, price: str) -> bool:
        self.seconds += 0.01
        self.number += 1
        return self.evaluator.saw_stop(self.held, Decimal(price), self.at, push=self.number)

    @property
    def at(self) -> LookTime:
        return LookTime(self.seconds, NOON + timedelta(seconds=self.seconds))


@pytest.mark.parametrize("needed", [1, 2, 5])
def test_as_many_pushes_in_a_row_sell_as_the_setting_says(needed: int) -> None:
    pushes = Pushes(stop_loss_pct=10, stream_confirmations=needed)

    reasons = [pushes.push(quote).reason for quote in (FAIR, *[FALLEN] * needed)]

    assert reasons == [*[None] * needed, ExitReason.STOP_LOSS]


def test_a_push_that_shows_something_else_has_them_counted_anew() -> None:
    pushes = Pushes(stop_loss_pct=10)

    assert [pushes.push(quote).reason for quote in (FALLEN, FAIR) * 20] == [None] * 40


def test_one_push_counts_once_however_often_it_is_judged() -> None:
    pushes = Pushes(stop_loss_pct=10)

    assert [pushes.push(FALLEN, number=7, after=0.001).reason for _ in range(50)] == [None] * 50


def test_one_push_has_the_next_look_come_soon() -> None:
    assert Pushes(stop_loss_pct=10).push(FALLEN).is_urgent


def test_single_push_sells_nothing_where_one_look_is_enough() -> None:
    pushes = Pushes(stop_loss_pct=10, stop_confirmations=1)

    assert pushes.push(FALLEN).reason is None
    assert pushes.push(FALLEN).reason is ExitReason.STOP_LOSS


def test_look_that_shows_the_same_confirms_a_push_as_it_confirms_a_look() -> None:
    pushes = Pushes(stop_loss_pct=10)

    assert pushes.push(FALLEN).reason is None
    assert pushes.look(FALLEN, after=0.25).reason is ExitReason.STOP_LOSS


def test_look_that_shows_something_else_contradicts_a_push() -> None:
    pushes = Pushes(stop_loss_pct=10)
    pushes.push(FALLEN)
    pushes.look(FAIR, after=0.005)

    assert pushes.push(FALLEN).reason is None


def test_look_that_was_begun_before_a_push_does_not_contradict_it() -> None:
    pushes = Pushes(stop_loss_pct=10)
    begun = pushes.at
    pushes.push(FALLEN)
    pushes.evaluator.evaluate(pushes.held, FAIR, RULES, begun)

    assert pushes.push(FALLEN).reason is ExitReason.STOP_LOSS


def test_push_of_a_stream_that_lags_behind_does_not_contradict_what_looks_show() -> None:
    pushes = Pushes(stop_loss_pct=10)

    assert pushes.look(FALLEN).reason is None
    assert pushes.push(FAIR).reason is None
    assert pushes.look(FALLEN, after=0.25).reason is ExitReason.STOP_LOSS


def test_push_contradicts_a_push_that_a_look_followed() -> None:
    pushes = Pushes(stop_loss_pct=10)
    pushes.look(FALLEN)
    pushes.push(FALLEN)
    pushes.push(FAIR)

    assert pushes.look(FALLEN, after=0.25).reason is None


def test_push_of_a_gain_confirms_no_stop_and_the_other_way_around() -> None:
    pushes = Pushes(stop_loss_pct=10, take_profit_pct=20)

    assert [pushes.push(quote).reason for quote in (RISEN, FALLEN) * 20] == [None] * 40


@pytest.mark.parametrize("trade_first", [True, False])
def test_trade_at_or_through_the_price_counts_as_a_push(*, trade_first: bool) -> None:
    pushes = Pushes(stop_loss_pct=10)
    if trade_first:
        assert pushes.trade("0.9")
        assert pushes.push(FALLEN).reason is ExitReason.STOP_LOSS
    else:
        assert pushes.push(FALLEN, number=1).reason is None
        assert pushes.trade("0.9")
        assert pushes.push(FALLEN, number=1).reason is ExitReason.STOP_LOSS


def test_trade_above_the_price_shows_nothing() -> None:
    assert not Pushes(stop_loss_pct=10).trade("0.9001")


def test_trade_shows_no_stop_before_a_look_has_set_its_reference() -> None:
    assert not Pushes(known=False, stop_loss_pct=10).trade("0.1")


def test_gain_that_a_single_push_shows_is_not_taken() -> None:
    pushes = Pushes(take_profit_pct=20)

    assert pushes.push(RISEN).reason is None
    assert pushes.push(RISEN).reason is ExitReason.TAKE_PROFIT


def test_gain_that_one_look_shows_is_taken_as_before() -> None:
    assert Pushes(take_profit_pct=20).look(RISEN).reason is ExitReason.TAKE_PROFIT


@pytest.mark.parametrize(
    ("bid", "is_settled"), [("100", True), ("50", True), ("49", False)], ids=["all", "the share", "less"]
)
def test_confirmed_stop_needs_no_book_where_the_best_bid_takes_its_share(bid: str, *, is_settled: bool) -> None:
    pushes = Pushes(stop_loss_pct=10)
    top = book(("0.85", bid), ask="0.851")
    pushes.push(top)

    assert pushes.evaluator.is_settled(pushes.held, top, pushes.at, by_stream=True) is is_settled


def test_sale_by_a_share_of_the_best_bid_keeps_its_floor() -> None:
    pushes = Pushes(stop_loss_pct=10)
    top = book(("0.85", "60"), ask="0.851")
    pushes.push(top)

    assert pushes.push(top).price_min == Decimal("0.8075")


def test_pushes_teach_a_position_nothing_unless_they_are_kept() -> None:
    settings: dict[str, Any] = {"trailing_stop_pct": 10}
    pushes = Pushes(**settings)
    before = replace(pushes.held)
    pushes.push(book(("3", PLENTY), ask="3.1"))

    assert pushes.held == before
    assert [pushes.push(FAIR).reason for _ in range(3)] == [None] * 3
