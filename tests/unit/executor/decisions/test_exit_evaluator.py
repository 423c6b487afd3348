"""What looks at a position, one after another, come to."""

from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.decisions.exit_evaluator import ExitDecision, ExitEvaluator, LookTime
from executor.model.order import ExitReason
from executor.model.position import PositionState, WatchedPosition
from executor.pricing.valuation import Quote, quote_of
from executor.settings import ExecutorSettings
from shared.control.exit_policy import FIELDS, ExitPolicy
from shared.events import TradingRules
from shared.mexc.payloads import Level, OrderBook
from tests.support.data.builders import NOON
from tests.unit.executor.decisions.test_exit_triggers import a_position

RULES = TradingRules(base_precision=2, quote_precision=6, quote_amount_min=Decimal(1))
PLENTY = "1000000"
CRUMBS = st.decimals(min_value=Decimal("0.01"), max_value=Decimal("0.5"), places=2)
PRICES = st.decimals(min_value=Decimal("0.0001"), max_value=Decimal(1000), places=4)


def book(*bids: tuple[str, str], ask: str | None = "1") -> Quote:
    asks = () if ask is None else (Level(Decimal(ask), Decimal(PLENTY)),)
    return quote_of(OrderBook(tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in bids), asks))


class Looks:
    """An evaluator, a position of 100 coins bought at 1, and a clock that each look moves on by a second."""

    def __init__(self, *, known: bool = True, **settings: Any) -> None:
        defaults = {"taker_fee": Decimal(0), "exit_slippage_pct": Decimal(5)}
        policy = {name: settings.pop(name) for name in FIELDS if name in settings}
        self.evaluator = ExitEvaluator(ExecutorSettings(**defaults | settings))
        self.held = WatchedPosition(
            a_position(stop_reference=Decimal(1) if known else None, bought_qty=Decimal(100)),
            close_requested=False,
            policy=ExitPolicy.model_validate(policy),
        )
        self.seconds = 0.0

    def look(self, quote: Quote, *, after: float = 1.0) -> ExitDecision:
        self.seconds += after
        at = LookTime(self.seconds, NOON + timedelta(seconds=self.seconds))
        decision = self.evaluator.evaluate(self.held, quote, RULES, at)
        self.held = replace(self.held, position=decision.position)
        return decision

    def reasons(self, *quotes: Quote) -> list[ExitReason | None]:
        return [self.look(quote).reason for quote in quotes]


CROSSED = book(("5", PLENTY))
FAIR, HOLE, FALLEN = book(("0.999", PLENTY)), book(("0.001", PLENTY)), book(("0.85", PLENTY), ask="0.851")
WORTHY_HOLE = book(("0.05", PLENTY))
LADDER = [{"at_pct": 5, "sell_pct": 40}, {"at_pct": 10, "sell_pct": 30}]


@pytest.mark.parametrize("rule", ["stop_loss_pct", "trailing_stop_pct"])
def test_a_stop_is_due_in_the_second_look_that_shows_it(rule: str) -> None:
    settings: dict[str, Any] = {rule: 10}
    looks = Looks(**settings)

    assert looks.reasons(FAIR, FALLEN) == [None, None]
    assert looks.look(FALLEN).reason is not None


@pytest.mark.parametrize("rule", [{"stop_loss_pct": 10}, {"trailing_stop_pct": 10}])
def test_a_hole_for_one_look_is_no_stop_however_often_it_comes(rule: dict[str, Any]) -> None:
    assert Looks(**rule).reasons(*[WORTHY_HOLE, FAIR] * 5) == [None] * 10


@pytest.mark.parametrize(
    "rule",
    [
        {"trailing_stop_pct": 10},
        {"trailing_stop_pct": 10, "trailing_activation_pct": 20},
        {"take_profit_pct": 50},
        {"take_profit_ladder": [{"at_pct": 5, "sell_pct": 40}]},
        {"stop_loss_pct": 10},
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_a_crossed_book_sells_nothing_and_raises_no_peak_however_often_it_comes(
    rule: dict[str, Any], *, known: bool
) -> None:
    looks = Looks(known=known, **rule)

    assert looks.reasons(*[CROSSED, CROSSED, FAIR] * 4) == [None] * 12
    assert looks.held.position.peak_price <= 1


def test_a_crossed_book_neither_confirms_a_stop_nor_contradicts_it() -> None:
    looks = Looks(stop_loss_pct=10)

    assert looks.reasons(FALLEN, CROSSED, CROSSED, FALLEN) == [None, None, None, ExitReason.STOP_LOSS]


def test_a_stop_that_a_crossed_book_shows_is_sold() -> None:
    looks, fallen = Looks(stop_loss_pct=10), book(("0.85", PLENTY), ask="0.8")

    assert looks.reasons(fallen, fallen) == [None, ExitReason.STOP_LOSS]


def test_a_book_that_stays_crossed_is_told() -> None:
    looks = Looks(stop_loss_pct=10)
    said = [looks.look(CROSSED).objection for _ in range(5)]

    assert (said[-2], said[-1]) == ("", f"the book of {looks.held.name} is crossed")
    assert looks.look(FAIR).objection == ""


def test_a_crossed_book_makes_no_dust_worth_watching() -> None:
    looks = Looks()
    looks.held = replace(looks.held, position=a_position(state=PositionState.DUST, base_qty=Decimal("0.5")))

    assert not looks.look(CROSSED).reopens


@pytest.mark.parametrize("rule", [{"holding_seconds_max": 0.5}, {}])
def test_a_hole_beside_an_empty_side_of_asks_sells_nothing_in_one_look(rule: dict[str, Any]) -> None:
    looks = Looks(**rule)
    looks.held = replace(looks.held, close_requested=not rule)
    hole = book(("0.05", PLENTY), ask=None)

    assert [looks.look(hole).reason, looks.look(FAIR).reason is not None] == [None, True]
    assert [each is not None for each in looks.reasons(hole, hole)] == [False, True]


def test_a_breach_asks_for_another_look_soon() -> None:
    looks = Looks(stop_loss_pct=10)

    assert looks.look(FALLEN).is_urgent
    assert not looks.look(FAIR).is_urgent


def test_an_empty_book_neither_confirms_a_stop_nor_contradicts_it() -> None:
    looks = Looks(stop_loss_pct=10)

    assert looks.reasons(FALLEN, book(ask=None), book(ask=None), FALLEN)[-1] is ExitReason.STOP_LOSS


def test_two_looks_at_almost_the_same_time_are_one() -> None:
    looks = Looks(stop_loss_pct=10)
    looks.look(WORTHY_HOLE)

    assert looks.look(WORTHY_HOLE, after=0.01).reason is None


def test_a_sale_for_the_holding_time_waits_where_the_book_is_a_hole() -> None:
    looks = Looks(holding_seconds_max=0.5)

    assert looks.look(WORTHY_HOLE).reason is None
    assert looks.look(FAIR).reason is ExitReason.HOLDING_TIME


def test_a_take_profit_needs_no_second_look_for_it_has_a_floor() -> None:
    decision = Looks(take_profit_pct=10).look(book(("1.2", PLENTY), ask="1.21"))

    assert (decision.reason, decision.price_min) == (ExitReason.TAKE_PROFIT, Decimal("1.045"))


def test_what_is_due_and_not_worth_it_is_said_and_not_sold() -> None:
    looks = Looks(stop_loss_pct=10, dust_looks=2, dust_seconds=0)
    last = [looks.look(HOLE) for _ in range(3)][-1]

    assert (last.reason, last.seems_dust) == (None, False)
    assert last.objection.endswith("is to be sold (stop_loss), and no bid is worth a sale")


def test_so_little_that_only_its_average_makes_the_minimum_is_sold_at_that() -> None:
    looks = Looks(holding_seconds_max=0.5)
    looks.held = replace(looks.held, position=a_position(base_qty=Decimal("1.02"), stop_reference=Decimal(1)))
    decision = looks.look(FAIR)

    assert (decision.reason, decision.price_min) == (ExitReason.HOLDING_TIME, Decimal("0.999"))


def test_an_empty_book_is_said_from_the_second_look_on() -> None:
    looks = Looks()
    said = [looks.look(book(ask=None)).objection for _ in range(2)]

    assert said == ["", "no bids for ABCUSDT:1 live"]
    assert looks.look(FAIR).objection == ""


def test_dust_is_what_is_small_at_a_fair_price_again_and_again() -> None:
    looks = Looks(dust_looks=3, dust_seconds=2)
    looks.held = replace(looks.held, position=a_position(base_qty=Decimal("0.5"), stop_reference=Decimal(1)))

    assert [looks.look(FAIR).seems_dust for _ in range(3)] == [False, False, True]

    looks.look(book(("2.9", PLENTY), ask="3"))

    assert not looks.look(FAIR).seems_dust


def test_a_last_trade_that_says_otherwise_begins_the_doubt_anew() -> None:
    looks = Looks(dust_looks=2, dust_seconds=0)
    looks.held = replace(looks.held, position=a_position(base_qty=Decimal("0.5"), stop_reference=Decimal(1)))
    looks.look(FAIR)
    seemed = looks.look(FAIR).seems_dust

    assert seemed
    assert not looks.evaluator.is_dust_at(looks.held.position, Decimal(3), RULES)
    assert not looks.look(FAIR).seems_dust


@pytest.mark.parametrize("state", [PositionState.DUST, PositionState.UNSELLABLE])
def test_what_was_given_up_is_open_again_once_its_bids_are_worth_a_sale(state: PositionState) -> None:
    looks = Looks(stop_loss_pct=10)
    looks.held = replace(looks.held, position=a_position(state=state, base_qty=Decimal("0.5")))

    assert not looks.look(FAIR).reopens
    assert not looks.look(book(ask=None)).reopens
    assert looks.look(book(("3", PLENTY), ask="3.1")).reopens
    assert looks.look(FALLEN).reason is None


def test_the_reference_rises_with_a_spread_that_narrows_and_is_fixed_after_the_grace() -> None:
    looks = Looks(known=False, stop_grace_seconds=5)
    wide, narrow, closed = book(("0.8", PLENTY)), book(("0.9", PLENTY)), book(("0.99", PLENTY))

    assert looks.look(wide).position.stop_reference == Decimal("0.8")
    assert looks.look(narrow).position.stop_reference == Decimal("0.9")
    assert looks.look(wide).position.stop_reference == Decimal("0.9")
    assert looks.look(closed, after=10).position.stop_reference == Decimal("0.9")


def test_a_reference_that_stands_already_is_not_raised_by_another_process() -> None:
    looks = Looks()
    looks.held = replace(looks.held, position=a_position(stop_reference=Decimal("0.8"), peak_price=Decimal("0.8")))

    assert looks.look(book(("0.99", PLENTY))).position.stop_reference == Decimal("0.8")


@given(crumb=CRUMBS, price=PRICES, looks_taken=st.integers(1, 6))
def test_no_crumb_makes_anything_due_or_raises_the_peak_by_more_than_it_pays(
    crumb: Decimal, price: Decimal, looks_taken: int
) -> None:
    """However high, and however often it is seen: a bid for at most half a per cent of the position."""
    looks = Looks(take_profit_pct=1000, stop_loss_pct=10, trailing_stop_pct=10)
    quote = quote_of(
        OrderBook(
            (Level(Decimal(1) + price, crumb), Level(Decimal(1), Decimal(PLENTY))),
            (Level(Decimal(1) + price, Decimal(1)),),
        )
    )

    for _ in range(looks_taken):
        decision = looks.look(quote)
        assert decision.reason is None
        assert decision.position.peak_price <= 1 + price * crumb / 100


@given(prices=st.lists(PRICES, min_size=1, max_size=12))
def test_one_look_never_stops_a_position(prices: list[Decimal]) -> None:
    """Whatever the prices, a stop is sold only where two looks in a row were below it."""
    looks, below_before = Looks(stop_loss_pct=10), False
    for price in prices:
        below_now = price <= Decimal("0.9")
        reason = looks.look(book((f"{price:f}", PLENTY), ask=f"{price * 2:f}")).reason
        assert reason is None or (below_before and below_now)
        below_before = below_now


@given(
    bid=PRICES,
    quantity=st.decimals(min_value=Decimal("0.01"), max_value=Decimal(200), places=2),
    again=st.booleans(),
    known=st.booleans(),
)
def test_what_the_best_prices_settle_a_whole_book_settles_too(
    bid: Decimal, quantity: Decimal, *, again: bool, known: bool
) -> None:
    """The cheap look may spare the dear one only where that would change nothing: at first, and at the next look."""
    top = book((f"{bid:f}", f"{quantity:f}"), ask=f"{bid * 2:f}")
    deeper = book((f"{bid:f}", f"{quantity:f}"), (f"{bid / 2:f}", PLENTY), ask=f"{bid * 2:f}")
    rules: dict[str, Any] = {
        "take_profit_pct": 20,
        "stop_loss_pct": 10,
        "trailing_stop_pct": 15,
        "take_profit_ladder": LADDER,
    }
    cheap, dear = Looks(known=known, **rules), Looks(known=known, **rules)
    if again:
        cheap.look(deeper)
        dear.look(deeper)
    if cheap.evaluator.is_settled(cheap.held, top, LookTime(cheap.seconds + 1, NOON)):
        by_top, by_book = cheap.look(top), dear.look(deeper)
        assert by_top == by_book


def test_a_stop_that_the_best_bid_shows_is_confirmed_by_the_book() -> None:
    looks = Looks(stop_loss_pct=10)
    thin = book(("0.85", "1"), ask="0.86")

    assert looks.evaluator.is_settled(looks.held, thin, LookTime(1.0, NOON))
    assert looks.look(thin).is_urgent
    assert not looks.evaluator.is_settled(looks.held, thin, LookTime(2.0, NOON))


def test_a_stop_is_confirmed_by_the_best_bid_where_that_takes_all_of_it() -> None:
    looks = Looks(stop_loss_pct=10)

    assert looks.look(FALLEN).is_urgent
    assert looks.evaluator.is_settled(looks.held, FALLEN, LookTime(2.0, NOON))


def test_where_one_look_is_enough_the_best_bid_alone_never_is() -> None:
    looks = Looks(stop_loss_pct=10, stop_confirmations=1)

    assert not looks.evaluator.is_settled(looks.held, book(("0.85", "1"), ask="0.86"), LookTime(1.0, NOON))


def taken(looks: Looks, decision: ExitDecision) -> None:
    """Let what was judged be sold."""
    position, quantity = looks.held.position, decision.quantity or looks.held.position.base_qty
    after = replace(position, base_qty=position.base_qty - quantity, received_usdt=position.received_usdt + 1)
    looks.held = replace(looks.held, position=after, begun_by=decision.reason)


def test_a_ladder_sells_a_part_at_each_step_and_no_step_twice() -> None:
    looks = Looks(take_profit_ladder=LADDER, stop_loss_pct=50)
    first, second, higher = (book((price, PLENTY), ask=None) for price in ("1.05", "1.10", "1.50"))

    judged = looks.look(first)
    assert (judged.reason, judged.quantity) == (ExitReason.TAKE_PROFIT_STEP, Decimal(40))
    assert judged.price_min == Decimal("0.9975")
    taken(looks, judged)
    assert looks.look(first).reason is None

    judged = looks.look(second)
    assert (judged.reason, judged.quantity) == (ExitReason.TAKE_PROFIT_STEP, Decimal(30))
    taken(looks, judged)
    assert looks.reasons(second, higher, first, higher) == [None] * 4
    assert looks.held.position.base_qty == 30


def test_a_price_beyond_several_steps_takes_all_of_them_in_one_sale() -> None:
    looks = Looks(take_profit_ladder=LADDER)

    judged = looks.look(book(("1.2", PLENTY), ask=None))

    assert (judged.reason, judged.quantity) == (ExitReason.TAKE_PROFIT_STEP, Decimal(70))


def test_a_step_is_reached_by_what_its_quantity_brings_and_not_by_a_crumb() -> None:
    looks = Looks(take_profit_ladder=LADDER)

    assert looks.look(book(("1.06", "30"), ("0.9", PLENTY), ask=None)).reason is None
    assert looks.look(book(("1.06", "40"), ("0.9", PLENTY), ask=None)).quantity == 40
    # Enough for the lower step, and not for both together.
    assert looks.look(book(("1.2", "45"), ("0.9", PLENTY), ask=None)).quantity == 40


def test_a_step_that_would_leave_a_crumb_sells_everything() -> None:
    looks = Looks(take_profit_ladder=[{"at_pct": 5, "sell_pct": 98}], stop_loss_pct=50)
    looks.held = replace(looks.held, position=replace(looks.held.position, bought_qty=Decimal(100)))

    # Two coins are worth 2 USDT now, and less than one at their stop.
    assert looks.look(book(("1.1", PLENTY), ask=None)).quantity == 100


def test_a_step_that_is_too_small_to_be_sold_waits_for_the_next() -> None:
    looks = Looks(take_profit_ladder=[{"at_pct": 5, "sell_pct": "0.5"}, {"at_pct": 10, "sell_pct": 50}])

    assert looks.look(book(("1.06", PLENTY), ask=None)).reason is None
    assert looks.look(book(("1.1", PLENTY), ask=None)).quantity == Decimal("50.5")


def test_no_step_is_taken_while_a_sale_is_in_doubt() -> None:
    looks = Looks(take_profit_ladder=LADDER)
    looks.held = replace(looks.held, position=replace(looks.held.position, state=PositionState.CLOSING))

    assert looks.look(book(("1.2", PLENTY), ask=None)).reason is None


def test_after_a_step_a_stop_sells_the_rest() -> None:
    looks = Looks(take_profit_ladder=LADDER, stop_loss_pct=10)
    taken(looks, looks.look(book(("1.05", PLENTY), ask=None)))

    looks.look(FALLEN)
    judged = looks.look(FALLEN)

    assert (judged.reason, judged.quantity) == (ExitReason.STOP_LOSS, None)


STEPS = st.lists(st.tuples(PRICES, st.decimals(min_value=Decimal(1), max_value=Decimal(60), places=1)), max_size=5)


@given(
    prices=st.lists(st.decimals(min_value=Decimal("0.01"), max_value=Decimal(9), places=2), min_size=1, max_size=20),
    steps=STEPS,
    quantity=st.decimals(min_value=Decimal(2), max_value=Decimal(500), places=2),
    fills=st.lists(st.sampled_from(["1", "0.5", "0.03"]), min_size=1, max_size=5),
)
def test_a_ladder_never_sells_more_than_its_steps_and_leaves_nothing_that_cannot_be_sold(
    prices: list[Decimal], steps: list[tuple[Decimal, Decimal]], quantity: Decimal, fills: list[str]
) -> None:
    """Whatever the prices, and however much of each sale is filled: what is gone is what the steps reached say."""
    ladder, total = [], Decimal(0)
    for at_pct, sell_pct in sorted({at: sell for at, sell in steps if at <= 1000}.items()):
        if total + sell_pct <= 100:
            ladder.append({"at_pct": at_pct, "sell_pct": sell_pct})
            total += sell_pct
    looks = Looks(take_profit_ladder=ladder)
    looks.held = replace(looks.held, position=a_position(base_qty=quantity, bought_qty=quantity, stop_reference=1))
    highest = Decimal(0)
    for number, price in enumerate(prices):
        if not looks.held.position.base_qty:
            return
        highest = max(highest, price)
        judged = looks.look(book((f"{price:f}", PLENTY), ask=None))
        if judged.reason is None:
            continue
        assert judged.reason is ExitReason.TAKE_PROFIT_STEP
        held, part = looks.held.position.base_qty, judged.quantity
        assert part is not None
        reached = sum((step["sell_pct"] for step in ladder if price >= 1 + step["at_pct"] / 100), Decimal(0))
        assert 0 < part <= held
        assert part * judged.price_min >= 1
        assert price >= judged.price_min
        rest = quantity * (100 - reached) / 100
        if part == held:  # The exchange takes no more digits than these.
            assert rest.quantize(Decimal(1).scaleb(-(RULES.base_precision or 0)), ROUND_DOWN) * judged.price_min < 1
        else:
            assert held - part == rest
            assert (held - part) * judged.price_min >= 1
        taken(looks, replace(judged, quantity=part * Decimal(fills[number % len(fills)])))
