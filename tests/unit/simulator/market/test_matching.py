"""Takers get the best levels they accept, up to their quantity or budget."""

from decimal import Decimal

from simulator.market.book import Level, Side
from simulator.market.matching import TakeRequest, TakeResult, take

ASKS = [Level(Decimal(10), Decimal(1)), Level(Decimal(11), Decimal(2)), Level(Decimal(12), Decimal(3))]
BIDS = [Level(Decimal(9), Decimal(1)), Level(Decimal(8), Decimal(2))]


def wanting(
    side: Side = Side.BUY, price: str | None = None, quantity: str | None = None, budget: str | None = None
) -> TakeRequest:
    price_, quantity_, budget_ = (None if each is None else Decimal(each) for each in (price, quantity, budget))
    return TakeRequest(side, price_, quantity_, budget_, quantity_decimals=2)


def test_quantity_is_taken_from_the_best_level_on() -> None:
    assert take(ASKS, wanting(quantity="2.5")) == TakeResult(
        (ASKS[0], Level(Decimal(11), Decimal("1.5"))), complete=True
    )


def test_levels_beyond_the_limit_price_are_left() -> None:
    assert take(ASKS, wanting(price="11", quantity="5")) == TakeResult((ASKS[0], ASKS[1]), complete=False)


def test_a_seller_accepts_bids_down_to_its_limit() -> None:
    assert take(BIDS, wanting(Side.SELL, price="9", quantity="5")) == TakeResult((BIDS[0],), complete=False)


def test_budget_is_spent_until_no_further_step_is_affordable() -> None:
    taken = take(ASKS, wanting(budget="15.06"))

    assert taken == TakeResult((ASKS[0], Level(Decimal(11), Decimal("0.46"))), complete=True)


def test_budget_larger_than_the_book_is_not_complete() -> None:
    assert take(ASKS, wanting(budget="1000")) == TakeResult(tuple(ASKS), complete=False)


def test_budget_worth_exactly_the_book_is_complete() -> None:
    assert take(ASKS, wanting(budget="68")) == TakeResult(tuple(ASKS), complete=True)


def test_budget_below_one_step_takes_nothing_and_is_not_complete() -> None:
    assert take(ASKS, wanting(budget="0.05")) == TakeResult((), complete=False)


def test_budget_that_ends_before_the_quantity_is_not_complete() -> None:
    assert take(ASKS, wanting(quantity="2", budget="10")) == TakeResult((ASKS[0],), complete=False)


def test_empty_book_gives_nothing() -> None:
    assert take([], wanting(quantity="1")) == TakeResult((), complete=False)
