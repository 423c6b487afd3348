from datetime import datetime, timedelta

from executor.venues.venue import AGAIN_AFTER, EVERY_WAY, LADDER, REMEMBERED, Way, times_due, ways_due
from tests.support.data.builders import NOON

FAR = NOON + timedelta(days=1)
CHEAP = [Way.EXCHANGE_ID, Way.CLIENT_ID]


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_the_cheapest_way_comes_first_and_every_way_comes() -> None:
    assert [rung.weight for rung in LADDER] == sorted(rung.weight for rung in LADDER)
    assert set(EVERY_WAY) == set(Way)


def test_a_young_order_is_looked_for_by_its_names_only() -> None:
    assert ways_due({}, NOON, FAR, at(0)) == CHEAP
    assert ways_due(dict.fromkeys(CHEAP, NOON), NOON, FAR, at(0.05)) == CHEAP


def test_an_order_that_is_not_shown_is_looked_for_by_every_way_within_seconds() -> None:
    assert set(ways_due({}, NOON, FAR, at(4))) == set(Way)


def test_dear_ways_are_asked_rarely() -> None:
    tried: dict[Way, datetime] = {}
    weights = {rung.way: rung.weight for rung in LADDER}
    spent = 0
    for seconds in range(0, 60, 2):
        due = ways_due(tried, NOON, FAR, at(seconds))
        tried |= dict.fromkeys(due, at(seconds))
        spent += sum(weights[way] for way in due if way is not Way.BALANCE)

    # In ten seconds, six orders take less than half of the 500 that the exchange gives.
    assert 6 * spent / 60 * 10 < 250


def test_from_the_decisive_moment_on_every_way_is_tried_once_more() -> None:
    tried = dict.fromkeys(Way, at(9.9))

    assert set(ways_due(tried, NOON, at(10), at(10.1))) == set(Way)
    assert set(ways_due(dict.fromkeys(Way, at(10.1)), NOON, at(10), at(10.2))) == set(CHEAP)


def test_a_decisive_moment_does_not_wait_for_a_way_whose_time_has_not_come() -> None:
    assert set(ways_due({}, NOON, at(1), at(1.1))) == set(Way)


def test_an_order_that_was_given_up_is_looked_for_again_until_the_exchange_forgets_it() -> None:
    assert times_due(NOON, at(19)) == 0
    assert [times_due(NOON, NOON + after) for after in AGAIN_AFTER] == list(range(1, len(AGAIN_AFTER) + 1))
    assert {timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=6)} <= set(AGAIN_AFTER)
    assert REMEMBERED - timedelta(hours=2) < AGAIN_AFTER[-1] < REMEMBERED
