"""What a position is worth by the book."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.pricing.valuation import Quote, is_decided_by_the_best_bid, is_worth_selling, quote_of, worth_of
from shared.events import TradingRules
from shared.mexc.payloads import Level, OrderBook, order_book

HALF, FREE = Decimal(50), Decimal(0)
NUMBERS = st.decimals(min_value=Decimal("1E-6"), max_value=Decimal("1E6"), places=6).filter(bool)
SIDES = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8)


def levels(*pairs: tuple[str, str]) -> tuple[Level, ...]:
    return tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in pairs)


def book(bids: tuple[Level, ...], asks: tuple[Level, ...] = ()) -> Quote:
    return quote_of(OrderBook(bids, asks))


def test_all_of_the_position_is_walked_down_the_bids() -> None:
    worth = worth_of(book(levels(("2", "1"), ("0.5", "100000"))), Decimal(95), HALF, Decimal("0.001"))

    assert worth is not None
    assert +worth.whole == (2 + 94 * Decimal("0.5")) / 95
    assert round(worth.net, 20) == round(worth.whole * Decimal("0.999"), 20)
    assert +worth.sellable == (2 + Decimal("46.5") * Decimal("0.5")) / Decimal("47.5")


def test_what_finds_no_bid_counts_nothing_for_the_whole_and_leaves_the_price_of_the_rest() -> None:
    worth = worth_of(book(levels(("1.0", "30"))), Decimal(100), HALF, FREE)

    assert worth is not None
    assert (worth.whole, worth.average, worth.sellable) == (Decimal("0.3"), Decimal(1), Decimal(1))


@pytest.mark.parametrize("quantity", ["0", "-1"])
def test_nothing_to_sell_is_worth_nothing(quantity: str) -> None:
    assert worth_of(book(levels(("1", "1"))), Decimal(quantity), HALF, FREE) is None


def test_without_bids_there_is_no_worth() -> None:
    assert worth_of(book((), levels(("1", "1"))), Decimal(1), HALF, FREE) is None


@pytest.mark.parametrize("odd", ["NaN", "sNaN", "Infinity", "-Infinity", "-1", "0", "1E+400", "1E-400"])
def test_what_cannot_be_a_price_or_a_quantity_costs_only_its_level(odd: str) -> None:
    quote = book(levels((odd, "1"), ("1.5", odd), ("1", "5")), levels((odd, odd), ("2", "1")))

    assert quote == Quote(levels(("1", "5")), levels(("2", "1")), dropped=3)


@pytest.mark.parametrize(
    "odd", ['["", "1"]', '[null, "1"]', '["x"]', "[]", '"1"', "null", '{"price": 1}', '["1", "2", "3"]']
)
def test_a_level_that_is_no_level_costs_no_other(odd: str) -> None:
    body = f'{{"lastUpdateId": 7, "bids": [{odd}, ["0.9", "5"]], "asks": [["1", "5"]]}}'.encode()
    quote = quote_of(order_book(body))

    assert (quote.bids, quote.asks, quote.dropped) == (levels(("0.9", "5")), levels(("1", "5")), 1)


def test_a_book_in_any_order_is_walked_best_first() -> None:
    assert book(levels(("1", "1"), ("3", "1"), ("2", "1"))).bids == levels(("3", "1"), ("2", "1"), ("1", "1"))


@pytest.mark.parametrize(
    ("bids", "asks", "middle", "crossed"),
    [
        (levels(("0.9", "1")), levels(("1.1", "1")), Decimal(1), False),
        (levels(("1.2", "1")), levels(("1.1", "1")), None, True),
        ((), levels(("1.1", "1")), None, False),
        (levels(("1.2", "1")), (), None, False),
    ],
)
def test_the_middle_needs_two_sides_that_agree(
    bids: tuple[Level, ...], asks: tuple[Level, ...], middle: Decimal | None, crossed: bool
) -> None:
    quote = book(bids, asks)

    assert (quote.middle, quote.is_crossed) == (middle, crossed)


@given(bids=SIDES, quantity=NUMBERS)
def test_a_worth_never_exceeds_the_best_bid_and_the_share_is_never_worth_less_a_coin(
    bids: list[tuple[Decimal, Decimal]], quantity: Decimal
) -> None:
    quote = quote_of(OrderBook(tuple(Level(*each) for each in bids), ()))
    worth = worth_of(quote, quantity, HALF, FREE)

    assert worth is not None
    assert worth.whole <= worth.average <= worth.sellable <= quote.bids[0].price


@given(bids=SIDES, quantity=NUMBERS, crumb=NUMBERS)
def test_a_crumb_adds_at_most_what_it_pays_itself(
    bids: list[tuple[Decimal, Decimal]], quantity: Decimal, crumb: Decimal
) -> None:
    """However much is bid for a millionth of the position, all of it is not worth more than that on top."""
    size = quantity / 1_000_000
    if not size:
        return
    without = worth_of(quote_of(OrderBook(tuple(Level(*each) for each in bids), ())), quantity, HALF, FREE)
    high = Level(max(price for price, _ in bids) + crumb, size)
    with_crumb = worth_of(quote_of(OrderBook((high, *(Level(*each) for each in bids)), ())), quantity, HALF, FREE)

    assert without is not None
    assert with_crumb is not None
    assert with_crumb.whole * quantity <= without.whole * quantity + high.price * size + Decimal("1E-12")


@pytest.mark.parametrize(("wanted", "decided"), [("49.99", False), ("50", True)])
def test_the_best_bid_decides_where_it_takes_the_share_that_stops_are_judged_by(wanted: str, decided: bool) -> None:
    quote = book(levels(("1", wanted), ("0.1", "1000")))

    assert is_decided_by_the_best_bid(quote, Decimal(100), HALF) is decided
    assert not is_decided_by_the_best_bid(book(()), Decimal(100), HALF)


@pytest.mark.parametrize(
    ("quantity", "price", "worth_it"),
    [("1", "1", True), ("0.99", "1", False), ("0.009", "1000", False), ("0.02", "1000", False), ("0.05", "1000", True)],
)
def test_an_order_is_worth_it_where_the_exchange_takes_it(quantity: str, price: str, worth_it: bool) -> None:
    rules = TradingRules(base_precision=2, base_quantity_min=Decimal("0.03"), quote_amount_min=Decimal(1))

    assert is_worth_selling(Decimal(quantity), Decimal(price), rules) is worth_it


def test_without_rules_a_dollar_is_the_least() -> None:
    assert is_worth_selling(Decimal(1), Decimal(1), None)
    assert not is_worth_selling(Decimal(1), Decimal("0.99"), None)
