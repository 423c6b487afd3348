"""A sale that is refused for its digits: fitted to the rules of now, else to the digits that the bids show."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.decisions.market_filters import RereadResult
from executor.decisions.order_corrections import coarsened
from executor.decisions.retry_corrections import AttemptContext, RetryCounts
from executor.decisions.retry_policy import RereadRules, Retry, move_after_reread, next_move
from executor.model.order_state import OrderEvent, OrderUpdate
from executor.model.reasons import Reason, Refusal
from executor.model.send_result import PriceRefused, WrongSize
from executor.settings import ExecutorSettings
from shared.events import Side, TradingRules
from shared.mexc.orders.order_api import OrderRequest
from shared.mexc.payloads import Level
from tests.support.data.builders import NOON, an_order
from tests.support.data.order_requests import RULES, capped

OF_DIGITS = WrongSize(Reason.SIZE_REFUSED, "700008 quantity", of_digits=True)
TOO_LOW = PriceRefused("30087 beyond", None)
REFUSED = OrderUpdate(OrderEvent.REJECTED, Refusal(Reason.SIZE_REFUSED, "700008 quantity"))


def levels(*pairs: tuple[str, str]) -> tuple[Level, ...]:
    return tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in pairs)


BIDS = levels(("0.7000", "12.50"), ("0.6900", "100.00"))
REQUEST = capped("47.59", "0.6650", Side.SELL)
ORDER = an_order(side=Side.SELL, base_qty=Decimal("47.59"), send_until=NOON + timedelta(seconds=1))
AT = AttemptContext(ORDER, REQUEST, RULES, RetryCounts(), NOON, ExecutorSettings(), Decimal("0.0005"), BIDS)
PURCHASE = replace(AT, order=replace(ORDER, side=Side.BUY), request=capped("47.59", "0.6650"), bids=())


def sent(move: object) -> tuple[str, str]:
    """Return quantity and price of what is sent again, as they are written."""
    assert isinstance(move, Retry)
    assert move.wait_seconds == 0.0
    assert not move.in_doubt
    return str(move.request.quantity), str(move.request.price)


def test_a_sale_that_can_go_with_fewer_digits_does_not_need_the_rules() -> None:
    assert next_move(OF_DIGITS, AT) == RereadRules(is_needed=False)


@pytest.mark.parametrize(
    ("verdict", "at"),
    [
        (OF_DIGITS, replace(AT, bids=())),
        (OF_DIGITS, replace(AT, request=capped("47.5", "0.66", Side.SELL))),
        (replace(OF_DIGITS, of_digits=False), AT),
        (OF_DIGITS, PURCHASE),
        (TOO_LOW, PURCHASE),
        (TOO_LOW, replace(AT, bids=())),
        (TOO_LOW, replace(AT, request=replace(REQUEST, price=Decimal("0.7000")))),
    ],
)
def test_where_nothing_else_could_be_sent_the_rules_are_needed(
    verdict: WrongSize | PriceRefused, at: AttemptContext
) -> None:
    assert next_move(verdict, at) == RereadRules(is_needed=True)


def test_the_rules_of_now_decide_where_they_are_learned() -> None:
    coarser = RULES.model_copy(update={"base_precision": 1, "quote_precision": 3})

    assert sent(move_after_reread(OF_DIGITS, AT, RereadResult(coarser))) == ("47.5", "0.665")


@pytest.mark.parametrize("reading", [RereadResult(None), RereadResult(RULES)])
def test_without_rules_that_explain_the_refusal_the_bids_show_the_digits(reading: RereadResult) -> None:
    move = move_after_reread(OF_DIGITS, AT, reading)

    assert sent(move) == ("47.5", "0.67")
    assert isinstance(move, Retry)
    assert move.counts == RetryCounts(resized=True)


def test_bids_that_are_finer_than_the_rules_change_nothing() -> None:
    finer = levels(("0.700001", "12.50001"))

    assert move_after_reread(OF_DIGITS, replace(AT, bids=finer), RereadResult(None)) == REFUSED


def test_a_sale_refused_for_its_digits_again_goes_for_whole_coins_at_the_digits_of_the_best_bid() -> None:
    """An order from before the change may be left in the book."""
    stale = replace(AT, bids=levels(("0.7", "12.5"), ("0.6999", "1.25")), counts=RetryCounts(resized=True))

    move = next_move(OF_DIGITS, stale)

    assert sent(move) == ("47", "0.7")
    assert isinstance(move, Retry)
    assert next_move(OF_DIGITS, replace(stale, request=move.request, counts=move.counts)) == REFUSED


def test_of_less_than_a_coin_one_digit_stays() -> None:
    little = replace(AT, request=capped("0.0375", "2000.0000", Side.SELL), bids=levels(("2100", "3")), rules=None)

    assert sent(move_after_reread(OF_DIGITS, little, RereadResult(None))) == ("0.03", "2000")


def test_what_would_be_below_the_minimum_with_fewer_digits_is_not_sent_nor_called_so() -> None:
    few = replace(AT, request=capped("1.59", "0.6650", Side.SELL), bids=levels(("0.7000", "1")))

    assert move_after_reread(OF_DIGITS, few, RereadResult(None)) == REFUSED


def test_nothing_is_corrected_after_the_time_of_the_sale() -> None:
    late = replace(AT, now=ORDER.send_until + timedelta(seconds=1))

    assert isinstance(move_after_reread(OF_DIGITS, late, RereadResult(None)), OrderUpdate)


def test_a_purchase_is_fitted_by_rules_alone() -> None:
    assert move_after_reread(OF_DIGITS, PURCHASE, RereadResult(None)) == REFUSED
    assert next_move(OF_DIGITS, replace(PURCHASE, counts=RetryCounts(resized=True))) == REFUSED


def test_a_price_too_low_goes_to_the_best_bid_where_the_last_one_is_not_learned() -> None:
    assert next_move(TOO_LOW, AT) == RereadRules(is_needed=False)
    assert sent(move_after_reread(TOO_LOW, AT, RereadResult(None))) == ("47.59", "0.7000")
    assert sent(move_after_reread(TOO_LOW, AT, RereadResult(None, Decimal("0.7100")))) == ("47.59", "0.6875")


PLACES = st.integers(0, 8)
AMOUNTS = st.decimals("0.00000001", "100000", places=8)
BOOKS = st.lists(st.tuples(AMOUNTS, PLACES, AMOUNTS, PLACES), min_size=1, max_size=5)


def _to(number: Decimal, places: int) -> Decimal:
    step = Decimal(1).scaleb(-places)
    return max(number.quantize(step), step)


@given(BOOKS, AMOUNTS, st.decimals("0.5", "1", places=8), st.one_of(st.none(), PLACES), st.one_of(st.none(), PLACES))
def test_a_sale_with_fewer_digits_is_no_cheaper_nor_larger_and_still_meets_the_best_bid(
    book: list[tuple[Decimal, int, Decimal, int]],
    quantity: Decimal,
    share: Decimal,
    base: int | None,
    quote: int | None,
) -> None:
    prices = [_to(price, places) for price, places, _, _ in book]
    quantities = [_to(amount, places) for _, _, amount, places in book]
    floor = max(prices) * share
    request = OrderRequest("ABCUSDT", Side.SELL, "IMMEDIATE_OR_CANCEL", "snABC", quantity=quantity, price=floor)
    rules = TradingRules(base_precision=base, quote_precision=quote)

    fresh = coarsened(request, rules, [Level(*each) for each in zip(prices, quantities, strict=True)])

    if isinstance(fresh, Refusal):
        return
    assert fresh.quantity is not None
    assert fresh.price is not None
    assert 0 < fresh.quantity <= quantity
    assert fresh.price >= floor
    if quote is None or quote >= max(-int(each.normalize().as_tuple().exponent) for each in prices):
        assert fresh.price <= max(prices)
