"""Every verdict, early and late, the first time and once too often."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from executor.decisions.market_filters import RereadResult
from executor.decisions.retry_corrections import AttemptContext, RetryCounts
from executor.decisions.retry_policy import (
    REPRICED_MAX,
    TIMESTAMP_REFUSED_MAX,
    TIMESTAMP_REFUSED_WAIT_SECONDS,
    UNSENT_MAX,
    UNSENT_WAIT_SECONDS,
    RereadRules,
    Retry,
    move_after_reread,
    next_move,
)
from executor.model.fill import Fill
from executor.model.order_state import OrderEvent, OrderUpdate
from executor.model.reasons import Reason, Refusal
from executor.model.send_result import (
    Accepted,
    Executed,
    NotOpen,
    PriceRefused,
    Rejected,
    SendResult,
    Throttled,
    TimestampRefused,
    Unanswered,
    Unsent,
    WrongSize,
)
from executor.settings import ExecutorSettings
from shared.events import Side, TradingRules
from shared.mexc.orders.order_api import OrderRequest
from tests.support.data.builders import NOON, an_order

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
AT = AttemptContext(ORDER, REQUEST, RULES, RetryCounts(), NOON, ExecutorSettings(), Decimal("0.0005"))
LATE = replace(AT, now=ORDER.send_until)
"""No wait, however short, ends in time."""
TOO_DEAR = PriceRefused("30010 at most 2.05", Decimal("2.05"))


def tried(**counts: object) -> AttemptContext:
    return replace(AT, counts=RetryCounts(**counts))  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [AT, LATE, tried(unsent=9, timestamp_refused=9, repriced=9, resized=True)])
@pytest.mark.parametrize(
    ("verdict", "conclusion"),
    [
        (Accepted("X1"), OrderUpdate(OrderEvent.ACCEPTED, exchange_order_id="X1")),
        (Executed(FILL), OrderUpdate(OrderEvent.FOUND_FILLED, fill=FILL)),
        (
            Executed(replace(FILL, complete=False)),
            OrderUpdate(OrderEvent.FOUND_PARTLY_FILLED, fill=replace(FILL, complete=False)),
        ),
        (Executed(None), OrderUpdate(OrderEvent.FOUND_UNFILLED, Refusal(Reason.NOT_FILLED))),
        (
            Unanswered("HTTP 401", stop=True),
            OrderUpdate(OrderEvent.UNANSWERED, Refusal(Reason.OUTCOME_UNKNOWN, "HTTP 401"), halts=True),
        ),
        (Unanswered("cut off"), OrderUpdate(OrderEvent.UNANSWERED, Refusal(Reason.OUTCOME_UNKNOWN, "cut off"))),
        (Rejected(Reason.RISK_CONTROL, "no"), OrderUpdate(OrderEvent.REJECTED, Refusal(Reason.RISK_CONTROL, "no"))),
        (
            Rejected(Reason.CREDENTIALS_REFUSED, "no", stop=True),
            OrderUpdate(OrderEvent.REJECTED, Refusal(Reason.CREDENTIALS_REFUSED, "no"), halts=True),
        ),
    ],
)
def test_what_is_certain_or_may_be_an_order_is_never_asked_for_again(
    verdict: SendResult, conclusion: OrderUpdate, at: AttemptContext
) -> None:
    assert next_move(verdict, at) == conclusion


@pytest.mark.parametrize(
    ("verdict", "again"),
    [
        (NotOpen("30001"), Retry(REQUEST, 0.25, RetryCounts(not_open=1))),
        (Throttled("429", 3.5, in_doubt=False), Retry(REQUEST, 3.5, RetryCounts(), detail="429")),
        (TimestampRefused("700003"), Retry(REQUEST, TIMESTAMP_REFUSED_WAIT_SECONDS, RetryCounts(timestamp_refused=1))),
        (Unsent("refused"), Retry(REQUEST, UNSENT_WAIT_SECONDS, RetryCounts(unsent=1))),
        (
            TOO_DEAR,
            Retry(replace(REQUEST, price=Decimal("2.05"), quantity=Decimal("48.14")), 0.0, RetryCounts(repriced=1)),
        ),
    ],
)
def test_what_is_certainly_no_order_is_asked_for_again(verdict: SendResult, again: Retry) -> None:
    assert next_move(verdict, AT) == again


@pytest.mark.parametrize(("named", "waited"), [(3.5, 3.5), (None, 1.0), (0.0, 0.0)])
def test_what_may_be_an_order_is_asked_for_again_only_after_a_proof(named: float | None, waited: float) -> None:
    assert next_move(Throttled("429", named), AT) == Retry(REQUEST, waited, RetryCounts(), in_doubt=True, detail="429")


@pytest.mark.parametrize(
    "verdict",
    [
        PriceRefused("no number", None),
        PriceRefused("not lower", Decimal(3)),
        WrongSize(Reason.SIZE_REFUSED, "no number"),
        WrongSize(Reason.SIZE_REFUSED, "large enough already", Decimal(1)),
    ],
)
def test_a_refusal_that_rules_could_explain_has_them_read_again(verdict: SendResult) -> None:
    assert next_move(verdict, AT) == RereadRules()


def test_an_order_that_is_too_small_is_enlarged_within_its_money() -> None:
    small = replace(AT, request=replace(REQUEST, quantity=Decimal("0.40")))

    move = next_move(WrongSize(Reason.SIZE_REFUSED, "5 at least", Decimal(5)), small)

    assert isinstance(move, Retry)
    assert (move.request.quantity, move.counts.resized) == (Decimal("2.39"), True)


@pytest.mark.parametrize(
    ("verdict", "at", "conclusion"),
    [
        (
            TimestampRefused("700003"),
            tried(timestamp_refused=TIMESTAMP_REFUSED_MAX),
            (OrderEvent.REJECTED, Refusal(Reason.CLOCK_UNCERTAIN, "700003")),
        ),
        (
            Unsent("refused"),
            tried(unsent=UNSENT_MAX),
            (OrderEvent.UNSENT, Refusal(Reason.EXCHANGE_UNAVAILABLE, "refused")),
        ),
        (
            TOO_DEAR,
            tried(repriced=REPRICED_MAX),
            (OrderEvent.REJECTED, Refusal(Reason.PRICE_REFUSED, "30010 at most 2.05")),
        ),
        (
            WrongSize(Reason.SIZE_REFUSED, "5", Decimal(5)),
            tried(resized=True),
            (OrderEvent.REJECTED, Refusal(Reason.SIZE_REFUSED, "5")),
        ),
        (
            WrongSize(Reason.SIZE_REFUSED, "500", Decimal(500)),
            AT,
            (OrderEvent.REJECTED, Refusal(Reason.SIZE_REFUSED, "500")),
        ),
        (
            WrongSize(Reason.INSUFFICIENT_BALANCE, "30004", None),
            AT,
            (OrderEvent.REJECTED, Refusal(Reason.INSUFFICIENT_BALANCE, "30004")),
        ),
    ],
)
def test_what_was_helped_once_or_cannot_be_helped_ends(
    verdict: SendResult, at: AttemptContext, conclusion: tuple[OrderEvent, Refusal]
) -> None:
    assert next_move(verdict, at) == OrderUpdate(*conclusion)


@pytest.mark.parametrize(
    ("verdict", "conclusion"),
    [
        (NotOpen("30001"), (OrderEvent.POSTPONED, Refusal(Reason.NOT_OPEN, "30001"))),
        (Throttled("429", 3.5), (OrderEvent.UNANSWERED, Refusal(Reason.OUTCOME_UNKNOWN, "429"))),
        (Throttled("429", 3.5, in_doubt=False), (OrderEvent.REJECTED, Refusal(Reason.TOO_MANY_REQUESTS, "429"))),
        (TimestampRefused("700003"), (OrderEvent.REJECTED, Refusal(Reason.CLOCK_UNCERTAIN, "700003"))),
        (Unsent("refused"), (OrderEvent.UNSENT, Refusal(Reason.EXCHANGE_UNAVAILABLE, "no time for another attempt"))),
    ],
)
def test_nothing_is_asked_for_again_after_the_orders_time(
    verdict: SendResult, conclusion: tuple[OrderEvent, Refusal]
) -> None:
    assert next_move(verdict, LATE) == OrderUpdate(*conclusion)


def test_an_attempt_that_would_begin_on_the_last_moment_is_still_made() -> None:
    just_in_time = replace(AT, now=ORDER.send_until - timedelta(seconds=0.25))

    assert next_move(NotOpen("30001"), just_in_time) == Retry(REQUEST, 0.25, RetryCounts(not_open=1))


def test_a_ban_longer_than_the_orders_time_leaves_it_in_doubt() -> None:
    assert next_move(Throttled("418", 120, banned=True), AT) == OrderUpdate(
        OrderEvent.UNANSWERED, Refusal(Reason.OUTCOME_UNKNOWN, "418")
    )
    assert next_move(Throttled("418", None, banned=True), AT) == OrderUpdate(
        OrderEvent.UNANSWERED, Refusal(Reason.OUTCOME_UNKNOWN, "418")
    )


def test_a_sale_that_is_too_small_is_dust_and_not_enlarged() -> None:
    sale = replace(AT, order=replace(ORDER, side=Side.SELL), request=replace(REQUEST, side=Side.SELL))

    assert next_move(WrongSize(Reason.SIZE_REFUSED, "5 at least", Decimal(5)), sale) == OrderUpdate(
        OrderEvent.REJECTED, Refusal(Reason.BELOW_MINIMUM, "5 at least")
    )


SALE = replace(AT, order=replace(ORDER, side=Side.SELL), request=replace(REQUEST, side=Side.SELL))
BAND = RULES.model_copy(update={"price_up": Decimal("1.03"), "price_down": Decimal("0.97")})
REFUSED = PriceRefused("30087 beyond", None)


def again(request: OrderRequest, at: AttemptContext, verdict: SendResult, reading: RereadResult) -> Retry:
    move = move_after_reread(verdict, replace(at, request=request), reading)
    assert isinstance(move, Retry)
    assert (move.wait_seconds, move.in_doubt) == (0.0, False)
    return move


def test_a_refused_price_goes_to_the_edge_of_the_band_around_the_last_price() -> None:
    bought = again(REQUEST, AT, REFUSED, RereadResult(BAND, Decimal(2)))
    sold = again(SALE.request, SALE, REFUSED, RereadResult(BAND, Decimal("2.20")))

    assert (bought.request.price, bought.request.quantity) == (Decimal("2.06"), Decimal("47.91"))
    assert (sold.request.price, sold.request.quantity) == (Decimal("2.14"), Decimal("47.00"))


@pytest.mark.parametrize(("at", "last"), [(AT, "2"), (SALE, "2.20")])
def test_a_refused_price_that_no_band_explains_goes_half_the_way_to_the_last_price_and_then_all_of_it(
    at: AttemptContext, last: str
) -> None:
    reading, situation, prices = RereadResult(RULES, Decimal(last)), at, []
    for _ in range(REPRICED_MAX):
        move = move_after_reread(REFUSED, situation, reading)
        assert isinstance(move, Retry)
        prices.append(move.request.price)
        situation = replace(situation, request=move.request, counts=move.counts)

    assert len(set(prices)) == REPRICED_MAX
    assert prices[-1] == Decimal(last)
    assert isinstance(next_move(REFUSED, situation), OrderUpdate)


def test_the_least_price_that_was_named_for_a_sale_is_taken_at_once() -> None:
    move = next_move(PriceRefused("at least 2.15", None, Decimal("2.15")), SALE)

    assert move == Retry(replace(SALE.request, price=Decimal("2.15")), 0.0, RetryCounts(repriced=1))


def test_a_price_that_nothing_explains_is_refused() -> None:
    assert move_after_reread(REFUSED, AT, RereadResult(None)) == OrderUpdate(
        OrderEvent.REJECTED, Refusal(Reason.PRICE_REFUSED, "30087 beyond")
    )


@pytest.mark.parametrize("at", [AT, SALE])
@pytest.mark.parametrize("verdict", [WrongSize(Reason.SIZE_REFUSED, "30002 scale"), REFUSED])
def test_an_order_is_sent_once_more_in_the_scale_that_the_exchange_has_now(
    at: AttemptContext, verdict: SendResult
) -> None:
    coarser = RULES.model_copy(update={"base_precision": 0, "quote_precision": 1})
    odd = replace(at, request=replace(at.request, quantity=Decimal("47.25"), price=Decimal("2.15")))

    move = move_after_reread(verdict, odd, RereadResult(coarser))

    assert isinstance(move, Retry)
    expected = ("47", "2.2") if at is SALE else ("48", "2.1")
    assert (str(move.request.quantity), str(move.request.price)) == expected


def test_a_size_that_the_rules_do_not_explain_is_refused() -> None:
    verdict = WrongSize(Reason.SIZE_REFUSED, "30002 no")

    assert move_after_reread(verdict, AT, RereadResult(RULES)) == OrderUpdate(
        OrderEvent.REJECTED, Refusal(Reason.SIZE_REFUSED, "30002 no")
    )
    assert move_after_reread(verdict, AT, RereadResult(None)) == OrderUpdate(
        OrderEvent.REJECTED, Refusal(Reason.SIZE_REFUSED, "30002 no")
    )


def test_a_sale_that_is_too_small_by_the_rules_of_today_is_below_the_minimum() -> None:
    risen = RULES.model_copy(update={"quote_amount_min": Decimal(500)})
    verdict = WrongSize(Reason.SIZE_REFUSED, "30002 no")

    assert move_after_reread(verdict, SALE, RereadResult(risen)) == OrderUpdate(
        OrderEvent.REJECTED, Refusal(Reason.BELOW_MINIMUM, "500 of the quote asset")
    )


def test_nothing_is_corrected_after_the_orders_time() -> None:
    over = replace(AT, now=ORDER.send_until + timedelta(seconds=1))

    assert move_after_reread(REFUSED, over, RereadResult(BAND, Decimal(2))) == OrderUpdate(
        OrderEvent.UNSENT, Refusal(Reason.EXCHANGE_UNAVAILABLE, "no time for another attempt")
    )
