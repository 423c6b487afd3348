"""The footprint of paper orders: nothing that a book shows is taken twice."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.pricing.fill_simulation import take_levels
from executor.pricing.paper_footprint import PaperFootprint
from shared.events import Side
from shared.mexc.orders.order_api import OrderRequest
from shared.mexc.payloads import Level
from tests.support.data.strategies import steady

BIDS = ("ABCUSDT", Side.BUY)
KEPT = 60.0
NOTHING = Decimal(0)
PRICES = st.integers(1, 6).map(Decimal)
QUANTITIES = st.decimals(0, 100, places=2)
SIDES = st.dictionaries(PRICES, QUANTITIES.filter(bool), max_size=6)
STEPS = st.lists(st.tuples(SIDES | st.none(), QUANTITIES.filter(bool), st.floats(0, 30)), min_size=1, max_size=12)


def a_book(*levels: tuple[str, str]) -> list[Level]:
    return [Level(Decimal(price), Decimal(quantity)) for price, quantity in levels]


def sold(footprint: PaperFootprint, shown: Sequence[Level], quantity: str | Decimal, at: float = 0.0) -> Decimal:
    """What a sale of *quantity* at any price brings on paper."""
    request = OrderRequest("ABCUSDT", Side.SELL, "IMMEDIATE_OR_CANCEL", "sn", Decimal(quantity), price=Decimal("0.01"))
    got = take_levels(footprint.remaining(BIDS, shown, at), request)
    footprint.take(BIDS, got.levels, at)
    return sum((level.price * level.quantity for level in got.levels), NOTHING)


def test_the_same_ten_bids_are_sold_to_once() -> None:
    footprint, shown = PaperFootprint(KEPT), a_book(("1.20", "10"), ("0.50", "1000"))

    proceeds = [sold(footprint, shown, "95", 0), *(sold(footprint, shown, "10", at) for at in range(1, 10))]

    assert proceeds[0] == Decimal("54.50")
    assert proceeds[1:] == [Decimal("5.00")] * 9


def test_a_level_that_others_have_taken_from_holds_what_we_left_and_they_left() -> None:
    footprint = PaperFootprint(KEPT)
    sold(footprint, a_book(("2", "100")), "10")

    assert footprint.remaining(BIDS, a_book(("2", "50")), 1) == tuple(a_book(("2", "40")))
    assert footprint.remaining(BIDS, a_book(("2", "5")), 2) == ()


def test_what_is_added_to_a_level_can_be_taken() -> None:
    footprint = PaperFootprint(KEPT)
    sold(footprint, a_book(("2", "10")), "10")

    assert footprint.remaining(BIDS, a_book(("2", "13")), 1) == tuple(a_book(("2", "3")))


def test_a_level_that_was_gone_meanwhile_is_another() -> None:
    footprint, shown = PaperFootprint(KEPT), a_book(("2", "10"), ("1", "10"))
    sold(footprint, shown, "10")

    footprint.remaining(BIDS, a_book(("1", "10")), 1)

    assert footprint.remaining(BIDS, shown, 2) == tuple(shown)


@pytest.mark.parametrize("hiding", [a_book(("3", "10")), []])
def test_a_look_that_does_not_reach_a_level_says_nothing_of_it(hiding: list[Level]) -> None:
    footprint, shown = PaperFootprint(KEPT), a_book(("2", "10"))
    sold(footprint, shown, "10")

    footprint.remaining(BIDS, hiding, 1)

    assert footprint.remaining(BIDS, shown, 2) == ()


def test_what_was_taken_counts_until_it_has_not_been_touched_for_long_enough() -> None:
    footprint, shown = PaperFootprint(KEPT), a_book(("2", "10"))
    sold(footprint, shown, "4", 0)
    sold(footprint, shown, "4", 50)

    assert footprint.remaining(BIDS, shown, 109.9) == tuple(a_book(("2", "2")))
    assert footprint.remaining(BIDS, shown, 110) == tuple(shown)
    assert len(footprint) == 0


def test_each_symbol_and_side_has_a_footprint_of_its_own() -> None:
    footprint, shown = PaperFootprint(KEPT), a_book(("2", "10"))
    footprint.take(("ABCUSDT", Side.SELL), shown, 0)
    footprint.take(("XYZUSDT", Side.BUY), shown, 0)

    assert footprint.remaining(BIDS, shown, 0) == tuple(shown)


def test_purchases_leave_a_footprint_among_the_asks() -> None:
    footprint, asks = PaperFootprint(KEPT), ("ABCUSDT", Side.SELL)
    footprint.take(asks, a_book(("1", "10")), 0)

    assert footprint.remaining(asks, a_book(("1", "10"), ("2", "10")), 1) == tuple(a_book(("2", "10")))
    assert footprint.remaining(asks, a_book(("0.9", "1")), 1) == tuple(a_book(("0.9", "1")))
    assert footprint.remaining(asks, a_book(("1", "10"), ("2", "10")), 1) == tuple(a_book(("2", "10")))


def test_a_restart_takes_the_best_levels_for_those_that_were_taken() -> None:
    before, after, shown = PaperFootprint(KEPT), PaperFootprint(KEPT), a_book(("3", "10"), ("2", "10"), ("1", "10"))
    sold(before, shown, "15", 0)

    after.recall(BIDS, Decimal(15), 0)

    assert after.remaining(BIDS, shown, 1) == before.remaining(BIDS, shown, 1) == tuple(a_book(("2", "5"), ("1", "10")))
    assert after.remaining(BIDS, shown, KEPT) == tuple(shown)


def test_what_the_first_look_after_a_restart_does_not_reach_is_taken_from_the_next() -> None:
    footprint, shown = PaperFootprint(KEPT), a_book(("3", "10"), ("2", "10"))
    footprint.recall(BIDS, Decimal(15), 0)

    assert footprint.remaining(BIDS, shown[:1], 1) == ()
    assert footprint.remaining(BIDS, shown, 2) == tuple(a_book(("2", "5")))
    assert footprint.remaining(BIDS, shown, 3) == tuple(a_book(("2", "5")))


def test_what_a_restart_recalls_too_late_is_forgotten() -> None:
    footprint, shown = PaperFootprint(KEPT), a_book(("3", "10"))
    footprint.recall(BIDS, Decimal(10), 0)

    assert footprint.remaining(BIDS, shown, KEPT) == tuple(shown)


def test_nothing_is_remembered_where_that_is_switched_off() -> None:
    footprint, shown = PaperFootprint(0), a_book(("2", "10"))

    assert [sold(footprint, shown, "10"), sold(footprint, shown, "10")] == [Decimal(20), Decimal(20)]


def test_no_more_levels_are_remembered_than_there_is_room_for() -> None:
    footprint = PaperFootprint(KEPT, levels_max=3)

    for price in range(1, 9):
        footprint.take(BIDS, [Level(Decimal(price), Decimal(1))], price)

    assert len(footprint) == 3
    shown = [Level(Decimal(price), Decimal(1)) for price in range(8, 0, -1)]
    assert [level.price for level in footprint.remaining(BIDS, shown, 9)] == [5, 4, 3, 2, 1]


@given(st.sampled_from(["NaN", "-1", "0", "Infinity"]))
@steady
def test_levels_that_cannot_be_computed_with_are_left_out(quantity: str) -> None:
    footprint = PaperFootprint(KEPT)
    sold(footprint, a_book(("3", "1")), "1")

    assert footprint.remaining(BIDS, a_book(("3", quantity), ("1", "10")), 0) == tuple(a_book(("1", "10")))


def displayed(side: dict[Decimal, Decimal]) -> list[Level]:
    return [Level(price, side[price]) for price in sorted(side, reverse=True)]


@given(STEPS)
@steady
def test_no_more_is_received_than_the_book_ever_offered_within_the_decay(
    steps: list[tuple[dict[Decimal, Decimal] | None, Decimal, float]],
) -> None:
    """What is offered at a price is what it shows first, and whatever it shows more than the look before."""
    footprint = PaperFootprint(1_000)
    side: dict[Decimal, Decimal] = {}
    offered: dict[Decimal, Decimal] = {}
    received: dict[Decimal, Decimal] = {}
    at = 0.0
    for changed, quantity, seconds in steps:
        after = side if changed is None else changed
        for price, shown in after.items():
            offered[price] = offered.get(price, NOTHING) + max(NOTHING, shown - side.get(price, NOTHING))
        side, at = after, at + seconds
        request = OrderRequest("ABCUSDT", Side.SELL, "IMMEDIATE_OR_CANCEL", "sn", quantity, price=Decimal(1))
        got = take_levels(footprint.remaining(BIDS, displayed(side), at), request)
        footprint.take(BIDS, got.levels, at)
        for level in got.levels:
            received[level.price] = received.get(level.price, NOTHING) + level.quantity
            assert received[level.price] <= offered[level.price]
            assert received[level.price] <= sum(offered.values())


@given(SIDES, QUANTITIES.filter(bool), QUANTITIES.filter(bool))
@steady
def test_who_took_more_before_receives_no_more_now(side: dict[Decimal, Decimal], less: Decimal, more: Decimal) -> None:
    less, more = sorted((less, more))
    shown, footprints = displayed(side), (PaperFootprint(KEPT), PaperFootprint(KEPT))

    for footprint, quantity in zip(footprints, (less, more), strict=True):
        sold(footprint, shown, quantity)

    first, second = (sold(footprint, shown, "50", 1) for footprint in footprints)
    assert first >= second


@given(SIDES, st.floats(0, 100), st.floats(0, 100))
@steady
def test_what_is_left_never_shrinks_with_time_alone(side: dict[Decimal, Decimal], one: float, other: float) -> None:
    shown, footprint = displayed(side), PaperFootprint(KEPT)
    sold(footprint, shown, "75")

    earlier, later = (footprint.remaining(BIDS, shown, at) for at in sorted((one, other)))

    assert sum(level.quantity for level in earlier) <= sum(level.quantity for level in later)


@given(SIDES, QUANTITIES.filter(bool))
@steady
def test_looking_twice_is_looking_once(side: dict[Decimal, Decimal], quantity: Decimal) -> None:
    shown, footprint = displayed(side), PaperFootprint(KEPT)
    sold(footprint, shown, quantity)

    assert footprint.remaining(BIDS, shown, 1) == footprint.remaining(BIDS, shown, 1)
