"""Every verdict, early and late, the first time and once too often."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from executor.attempts import (
    UNSENT_MAX,
    UNSENT_WAIT_SECONDS,
    UNTIMELY_MAX,
    UNTIMELY_WAIT_SECONDS,
    Again,
    Conclusion,
    Situation,
    Tries,
    next_move,
)
from executor.fills import Fill
from executor.reasons import Reason
from executor.settings import ExecutorSettings
from executor.states import OrderEvent
from executor.verdicts import (
    Accepted,
    Busy,
    Executed,
    NotOpen,
    Refused,
    TooDear,
    Unanswered,
    Unsent,
    Untimely,
    Verdict,
    WrongSize,
)
from shared.events import Side, TradingRules
from shared.mexc.trading import OrderRequest
from tests.builders import NOON, an_order

ORDER = an_order(send_until=NOON + timedelta(seconds=10))
REQUEST = OrderRequest(
    symbol="ABCUSDT",
    side=Side.BUY,
    type="IMMEDIATE_OR_CANCEL",
    client_order_id="snABC",
    quantity=Decimal("47.00"),
    price=Decimal("2.10"),
)
RULES = TradingRules(base_precision=2, quote_precision=2, quote_amount_min=Decimal(1))
FILL = Fill(Decimal(10), Decimal(20), Decimal("0.01"), "USDT", complete=True)
AT = Situation(ORDER, REQUEST, RULES, Tries(), NOON, ExecutorSettings())
LATE = replace(AT, now=ORDER.send_until)
"""No wait, however short, ends in time."""
TOO_DEAR = TooDear("30010 at most 2.05", Decimal("2.05"))


def tried(**tries: object) -> Situation:
    return replace(AT, tries=Tries(**tries))  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [AT, LATE, tried(unsent=9, untimely=9, repriced=True, resized=True)])
@pytest.mark.parametrize(
    ("verdict", "conclusion"),
    [
        (Accepted("X1"), Conclusion(OrderEvent.ACCEPTED, exchange_order_id="X1")),
        (Executed(FILL), Conclusion(OrderEvent.FOUND_FILLED, fill=FILL)),
        (
            Executed(replace(FILL, complete=False)),
            Conclusion(OrderEvent.FOUND_PARTLY_FILLED, fill=replace(FILL, complete=False)),
        ),
        (Executed(None), Conclusion(OrderEvent.FOUND_UNFILLED, "not_filled")),
        (Unanswered("cut off"), Conclusion(OrderEvent.UNANSWERED, "outcome_unknown: cut off")),
        (Refused(Reason.RISK_CONTROL, "no"), Conclusion(OrderEvent.REFUSED, "risk_control: no")),
        (
            Refused(Reason.CREDENTIALS_REFUSED, "no", stop=True),
            Conclusion(OrderEvent.REFUSED, "credentials_refused: no", halts=True),
        ),
    ],
)
def test_what_is_certain_or_may_be_an_order_is_never_asked_for_again(
    verdict: Verdict, conclusion: Conclusion, at: Situation
) -> None:
    assert next_move(verdict, at) == conclusion


@pytest.mark.parametrize(
    ("verdict", "again"),
    [
        (NotOpen("30001"), Again(REQUEST, 0.25, Tries(not_open=1))),
        (Busy("429", 3.5), Again(REQUEST, 3.5, Tries())),
        (Busy("429", None), Again(REQUEST, 1.0, Tries())),
        (Busy("429", 0.0), Again(REQUEST, 0.0, Tries())),
        (Untimely("700003"), Again(REQUEST, UNTIMELY_WAIT_SECONDS, Tries(untimely=1))),
        (Unsent("refused"), Again(REQUEST, UNSENT_WAIT_SECONDS, Tries(unsent=1))),
        (
            TOO_DEAR,
            Again(replace(REQUEST, price=Decimal("2.05"), quantity=Decimal("48.14")), 0.0, Tries(repriced=True)),
        ),
    ],
)
def test_what_is_certainly_no_order_is_asked_for_again(verdict: Verdict, again: Again) -> None:
    assert next_move(verdict, AT) == again


def test_an_order_that_is_too_small_is_enlarged_within_its_money() -> None:
    small = replace(AT, request=replace(REQUEST, quantity=Decimal("0.40")))

    move = next_move(WrongSize(Reason.SIZE_REFUSED, "5 at least", Decimal(5)), small)

    assert isinstance(move, Again)
    assert (move.request.quantity, move.tries.resized) == (Decimal("2.39"), True)


@pytest.mark.parametrize(
    ("verdict", "at", "conclusion"),
    [
        (Untimely("700003"), tried(untimely=UNTIMELY_MAX), (OrderEvent.REFUSED, "clock_uncertain: 700003")),
        (Unsent("refused"), tried(unsent=UNSENT_MAX), (OrderEvent.UNSENT, "exchange_unavailable: refused")),
        (TOO_DEAR, tried(repriced=True), (OrderEvent.REFUSED, "price_refused: 30010 at most 2.05")),
        (TooDear("no number", None), AT, (OrderEvent.REFUSED, "price_refused: no number")),
        (TooDear("dearer", Decimal(3)), AT, (OrderEvent.REFUSED, "price_refused: dearer")),
        (
            WrongSize(Reason.SIZE_REFUSED, "5", Decimal(5)),
            tried(resized=True),
            (OrderEvent.REFUSED, "size_refused: 5"),
        ),
        (WrongSize(Reason.SIZE_REFUSED, "500", Decimal(500)), AT, (OrderEvent.REFUSED, "size_refused: 500")),
        (
            WrongSize(Reason.INSUFFICIENT_BALANCE, "30004", None),
            AT,
            (OrderEvent.REFUSED, "insufficient_balance: 30004"),
        ),
    ],
)
def test_what_was_helped_once_or_cannot_be_helped_ends(
    verdict: Verdict, at: Situation, conclusion: tuple[OrderEvent, str]
) -> None:
    assert next_move(verdict, at) == Conclusion(*conclusion)


@pytest.mark.parametrize(
    ("verdict", "conclusion"),
    [
        (NotOpen("30001"), (OrderEvent.POSTPONED, "not_open: 30001")),
        (Busy("429", 3.5), (OrderEvent.REFUSED, "too_many_requests: 429")),
        (Untimely("700003"), (OrderEvent.REFUSED, "clock_uncertain: 700003")),
        (Unsent("refused"), (OrderEvent.UNSENT, "exchange_unavailable: no time for another attempt")),
    ],
)
def test_nothing_is_asked_for_again_after_the_orders_time(verdict: Verdict, conclusion: tuple[OrderEvent, str]) -> None:
    assert next_move(verdict, LATE) == Conclusion(*conclusion)


def test_an_attempt_that_would_begin_on_the_last_moment_is_still_made() -> None:
    just_in_time = replace(AT, now=ORDER.send_until - timedelta(seconds=0.25))

    assert next_move(NotOpen("30001"), just_in_time) == Again(REQUEST, 0.25, Tries(not_open=1))


def test_a_ban_longer_than_the_orders_time_ends_it() -> None:
    assert next_move(Busy("418", 120, banned=True), AT) == Conclusion(OrderEvent.REFUSED, "too_many_requests: 418")


def test_a_sale_that_is_too_small_is_dust_and_not_enlarged() -> None:
    sale = replace(AT, order=replace(ORDER, side=Side.SELL), request=replace(REQUEST, side=Side.SELL))

    assert next_move(WrongSize(Reason.SIZE_REFUSED, "5 at least", Decimal(5)), sale) == Conclusion(
        OrderEvent.REFUSED, "below_minimum: 5 at least"
    )
