from datetime import timedelta
from decimal import Decimal

from executor.order import Miss, rejected
from executor.paper import Fill
from executor.reasons import Reason
from executor.trade import trade_of
from shared.events import TradeStatus
from tests.builders import NOON, a_listing, an_order

DECIDED = NOON + timedelta(milliseconds=10)
ORDER = an_order(decided_at=DECIDED)
FILL = Fill(base_qty=Decimal(25), cost=Decimal("49.9"), fee=Decimal("0.02495"))


def test_a_fill_is_told_with_what_it_spent_and_bought() -> None:
    trade = trade_of(a_listing(), ORDER, FILL, DECIDED)

    assert (trade.status, trade.quote_qty, trade.base_qty) == ("filled", Decimal("49.93"), Decimal(25))
    assert trade.error_reason is None


def test_a_miss_is_told_with_what_was_asked_for() -> None:
    trade = trade_of(a_listing(), ORDER, Miss(TradeStatus.FAILED, "exchange_unavailable: gone"), DECIDED)

    assert (trade.status, trade.quote_qty, trade.base_qty) == ("failed", Decimal("100.00"), None)
    assert trade.error_reason == "exchange_unavailable: gone"


def test_latency_runs_from_the_decision_to_the_answer() -> None:
    trade = trade_of(a_listing(), ORDER, FILL, DECIDED + timedelta(milliseconds=37))

    assert trade.latency_ms == 37
    assert trade.created_at == DECIDED + timedelta(milliseconds=37)


def test_a_clock_that_steps_back_makes_no_negative_latency() -> None:
    assert trade_of(a_listing(), ORDER, FILL, DECIDED - timedelta(seconds=5)).latency_ms == 0


def test_a_refusal_was_never_answered() -> None:
    trade = trade_of(a_listing(), ORDER, rejected(Reason.HALTED), None)

    assert (trade.latency_ms, trade.stages.answered_at, trade.created_at) == (0, None, DECIDED)
    assert trade.error_reason == "halted"


def test_a_trade_carries_the_stages_of_its_listing() -> None:
    listing = a_listing()

    stages = trade_of(listing, ORDER, FILL, DECIDED).stages

    assert (stages.observed_at, stages.published_at) == (listing.observed_at, listing.published_at)
    assert (stages.deduplicated_at, stages.decided_at) == (listing.deduplicated_at, DECIDED)


def test_the_same_outcome_of_an_order_has_the_same_event_id() -> None:
    first, second = (trade_of(a_listing(), ORDER, FILL, DECIDED + timedelta(seconds=late)) for late in (0, 5))

    assert first.id == second.id
