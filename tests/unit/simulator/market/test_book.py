"""Books are finite, ordered, depleted from the best level, and refilled."""

from decimal import Decimal

import pytest

from simulator.market.book import LEVELS, REFILL_SECONDS, Depletion, Level, asks, bids, without
from tests.support.data.markets import NOW_MS, an_instrument


def test_asks_rise_from_above_the_middle() -> None:
    prices = [level.price for level in asks(an_instrument(), Decimal(100))]

    assert len(prices) == LEVELS
    assert prices[0] > 100
    assert prices == sorted(set(prices))


def test_bids_fall_from_below_the_middle() -> None:
    prices = [level.price for level in bids(an_instrument(), Decimal(100))]

    assert prices[0] < 100
    assert prices == sorted(set(prices), reverse=True)


def test_bids_of_a_coin_worth_a_few_ticks_end_above_zero() -> None:
    levels = list(bids(an_instrument(), Decimal("0.03")))

    assert [level.price for level in levels] == [Decimal("0.02"), Decimal("0.01")]


def test_a_side_is_worth_the_depth_of_its_instrument() -> None:
    value = sum(level.price * level.quantity for level in asks(an_instrument(), Decimal(100)))

    assert value == pytest.approx(Decimal(51_500), rel=Decimal("0.001"))


def test_eaten_value_is_missing_from_the_best_end() -> None:
    levels = [Level(Decimal(10), Decimal(2)), Level(Decimal(11), Decimal(2))]

    left = list(without(levels, Decimal(31), quantity_decimals=3))

    assert left == [Level(Decimal(11), Decimal(1))]


def test_untouched_levels_stay_as_they_are() -> None:
    levels = [Level(Decimal(10), Decimal(2))]

    assert list(without(levels, Decimal(0), quantity_decimals=3)) == levels


def test_book_is_full_again_after_the_refill_time() -> None:
    depth = Decimal(1_000)
    eaten = Depletion().plus(depth, depth, NOW_MS)

    assert eaten.remaining_value(depth, NOW_MS) == depth
    assert eaten.remaining_value(depth, NOW_MS + REFILL_SECONDS * 500) == depth / 2
    assert eaten.remaining_value(depth, NOW_MS + REFILL_SECONDS * 1_000) == 0


def test_eating_again_adds_to_what_is_left() -> None:
    depth = Decimal(1_000)
    eaten = Depletion().plus(Decimal(600), depth, NOW_MS).plus(Decimal(100), depth, NOW_MS + REFILL_SECONDS * 500)

    assert eaten.remaining_value(depth, NOW_MS + REFILL_SECONDS * 500) == Decimal(200)
