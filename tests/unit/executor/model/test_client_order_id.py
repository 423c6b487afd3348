import re

from hypothesis import given
from hypothesis import strategies as st

from executor.model.order import client_order_id, is_ours
from shared.events import ListingKey, Mode, Side
from shared.mexc.orders.order_api import CLIENT_ORDER_ID
from tests.support.data.strategies import steady

DECISIONS = st.tuples(st.text().map(ListingKey), st.sampled_from(Mode), st.sampled_from(Side))


def test_the_id_of_a_listing_never_changes() -> None:
    # Orders already at the exchange are looked up by it: another value here would lose them.
    assert client_order_id(ListingKey("ABCUSDT:1"), Mode.DRY_RUN, Side.BUY) == "snKQHKG4QKVQ2SB2M2GIZU7ATY7C"


@steady
@given(decision=DECISIONS)
def test_an_id_holds_what_the_exchange_takes(decision: tuple[ListingKey, Mode, Side]) -> None:
    order_id = client_order_id(*decision)

    assert CLIENT_ORDER_ID.fullmatch(order_id)
    assert is_ours(order_id)
    assert re.fullmatch(r"sn[A-Z2-7]{26}", order_id)


@steady
@given(first=DECISIONS, second=DECISIONS)
def test_two_decisions_share_an_id_only_when_they_are_the_same(
    first: tuple[ListingKey, Mode, Side], second: tuple[ListingKey, Mode, Side]
) -> None:
    assert (client_order_id(*first) == client_order_id(*second)) == (first == second)


@steady
@given(decisions=st.lists(DECISIONS, min_size=2, max_size=2), attempts=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_two_attempts_share_an_id_only_when_they_are_the_same(
    decisions: list[tuple[ListingKey, Mode, Side]], attempts: tuple[int, int]
) -> None:
    ids = [client_order_id(*decision, attempt=number) for decision, number in zip(decisions, attempts, strict=True)]

    assert (ids[0] == ids[1]) == (decisions[0] == decisions[1] and attempts[0] == attempts[1])
    assert CLIENT_ORDER_ID.fullmatch(ids[0])
    assert client_order_id(*decisions[0], attempt=2) != client_order_id(*decisions[0], 2)


def test_an_injected_listing_has_an_id_of_its_own() -> None:
    ids = {
        client_order_id(ListingKey(key), mode, side)
        for key in ("ABCUSDT:1", "test:ABCUSDT:1", "ABCUSDT:2")
        for mode in Mode
        for side in Side
    }

    assert len(ids) == 12
