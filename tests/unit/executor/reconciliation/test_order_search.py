from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from executor.model.fill import Fill
from executor.model.order import Order
from executor.reconciliation.order_search import (
    CLOCK_MARGIN,
    QUICK_SECONDS,
    REFUSED_SECONDS,
    UNTOLD_SECONDS,
    WAIT_SECONDS_MAX,
    OrderSearch,
    search_deadlines,
)
from executor.settings import ExecutorSettings
from executor.venues.venue import EVERY_WAY, Way
from shared.events import Mode, Side
from tests.support.data.builders import NOON, a_listing, an_order

SETTINGS = ExecutorSettings()
SENT = NOON + timedelta(seconds=2)
FILL = Fill(Decimal(1), Decimal(2), Decimal(0), "USDT", complete=True)


def ordered(side: Side = Side.BUY, mode: Mode = Mode.LIVE, **more: object) -> Order:
    return an_order(side=side, mode=mode, send_until=SENT, **more)


def waits(search: OrderSearch, order: Order, looks: int, seconds_in: float = 60) -> list[float]:
    """Return the waits between so many looks."""
    found = []
    for _ in range(looks):
        before = search.due_at
        search.schedule_next(order, search_deadlines(order, SETTINGS), NOON + timedelta(seconds=seconds_in))
        found.append(round(search.due_at - before, 6))
    return found


def test_a_purchase_is_absent_long_after_a_sale_would_be() -> None:
    purchase, sale = search_deadlines(ordered(), SETTINGS), search_deadlines(ordered(Side.SELL), SETTINGS)

    assert purchase.sent_by == SENT + timedelta(seconds=5)
    assert purchase.arrived_by == SENT + timedelta(seconds=5 + 2 + 10)
    assert sale.sent_by == sale.arrived_by == SENT + timedelta(seconds=2) + CLOCK_MARGIN


def test_a_sale_of_a_coin_that_the_account_names_otherwise_is_absent_as_late_as_one_beside_other_coins() -> None:
    apart = ordered(Side.SELL, listing=a_listing(symbol="NEWUSDT", base_asset="OLD"))
    others = ExecutorSettings(other_holdings=frozenset({ordered().listing.base_asset}))

    deadlines = [search_deadlines(apart, SETTINGS), search_deadlines(ordered(Side.SELL), others)]

    protected = SENT + timedelta(seconds=2) + CLOCK_MARGIN + timedelta(seconds=SETTINGS.protection_seconds)
    assert [each.arrived_by for each in deadlines] == [protected, protected]


def test_a_dry_run_leaves_nothing_that_could_arrive() -> None:
    assert search_deadlines(ordered(mode=Mode.DRY_RUN), SETTINGS).arrived_by == SENT + timedelta(seconds=5)


def test_an_order_is_overdue_two_minutes_after_its_answer_or_after_it_could_be_sent_last() -> None:
    answered = ordered(answered_at=NOON)

    assert search_deadlines(answered, SETTINGS).overdue_at == NOON + timedelta(minutes=2)
    assert search_deadlines(ordered(), SETTINGS).overdue_at == SENT + timedelta(minutes=2)


def test_looks_follow_each_other_more_and_more_slowly() -> None:
    assert waits(OrderSearch(0.0), ordered(), 8) == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, WAIT_SECONDS_MAX, WAIT_SECONDS_MAX]


@pytest.mark.parametrize("seen", [{"open_since": NOON}, {"unclear": (None, NOON)}, {"unsold_since": NOON}])
def test_an_order_that_has_to_be_settled_soon_is_looked_at_often(seen: dict[str, Any]) -> None:
    search = OrderSearch(0.0, **seen)

    assert set(waits(search, ordered(), 8)[3:]) == {QUICK_SECONDS}


def test_trades_that_are_a_moment_late_are_looked_for_at_once_and_those_that_stay_away_rarely() -> None:
    assert waits(OrderSearch(0.0, untold=(FILL, NOON)), ordered(), 8) == [
        0.05,
        0.1,
        0.2,
        0.4,
        0.8,
        1.6,
        *[UNTOLD_SECONDS] * 2,
    ]


def test_a_sale_is_looked_at_right_after_its_absence_can_be_proven() -> None:
    sale, search = ordered(Side.SELL), OrderSearch(0.0, wait_seconds=WAIT_SECONDS_MAX)

    assert waits(search, sale, 1, seconds_in=4.0) == [0.3]  # 4.25 s, and a little.


def test_only_a_sale_is_looked_for_in_the_balance() -> None:
    late = NOON + timedelta(minutes=1)

    for side, ways in ((Side.SELL, set(EVERY_WAY)), (Side.BUY, set(EVERY_WAY) - {Way.BALANCE})):
        order = ordered(side)
        assert set(OrderSearch(0.0).ways(order, search_deadlines(order, SETTINGS), late)) == ways


def test_a_search_is_exhausted_when_every_way_was_tried_since_and_a_trace_begins_it_anew() -> None:
    search = OrderSearch(0.0)
    search.missed([way for way in EVERY_WAY if way is not Way.TRADES], SENT)
    without = search.is_exhausted(NOON)
    search.missed([Way.TRADES], SENT)

    assert (without, search.is_exhausted(NOON), search.is_exhausted(SENT)) == (False, True, False)


def test_dear_ways_that_were_refused_are_tried_again_sooner_than_those_that_showed_nothing() -> None:
    order, search = ordered(), OrderSearch(0.0)
    times, late = search_deadlines(ordered(), SETTINGS), NOON + timedelta(seconds=60)
    soon, again = late + timedelta(seconds=2), late + timedelta(seconds=REFUSED_SECONDS)
    search.tried = dict.fromkeys(EVERY_WAY, late)
    search.refused(EVERY_WAY, late, "HTTP 503")
    between, then = search.ways(order, times, soon), search.ways(order, times, again)
    search.missed(then, again)
    search.tried = dict.fromkeys(EVERY_WAY, again)

    assert (search.obstacle, Way.TRADES in between) == (f"not shown {', '.join(then)}", False)
    assert then == [way for way in EVERY_WAY if way is not Way.BALANCE]
    assert Way.TRADES not in search.ways(order, times, again + timedelta(seconds=REFUSED_SECONDS + 1))


def test_a_cheap_look_that_is_refused_brings_no_dear_one_about() -> None:
    search = OrderSearch(0.0, tried=dict.fromkeys(EVERY_WAY, NOON + timedelta(seconds=60)))
    search.refused([Way.CLIENT_ID], NOON + timedelta(seconds=62), "HTTP 503")

    assert search.refused_at is None
