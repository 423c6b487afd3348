"""Who is looked at when, within what the exchange lets us ask."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from executor.exits.look_interval import SINGLE_BOOKS_MAX, look_interval_seconds
from executor.exits.look_schedule import LookSchedule
from executor.model.position import PositionState, WatchedPosition
from executor.settings import ExecutorSettings
from shared.mexc.weights import weight_of
from tests.support.data.builders import a_listing
from tests.unit.executor.decisions.test_exit_triggers import a_position


def held(*symbols: str) -> list[WatchedPosition]:
    return [
        WatchedPosition(
            replace(a_position(stop_reference=Decimal(1)), listing=a_listing(symbol=symbol)), close_requested=False
        )
        for symbol in symbols
    ]


def pace(**settings: Any) -> LookSchedule:
    return LookSchedule(ExecutorSettings(**settings))


def coins(count: int) -> list[WatchedPosition]:
    return held(*(f"C{number:02}USDT" for number in range(count)))


def look(paced: LookSchedule, everything: list[WatchedPosition], now: float, **more: Any) -> list[str]:
    """Look at all whose turn it is, of which nothing is due; return their symbols."""
    names = {each.name for each in everything if paced.take_turn(each, now)}
    paced.looked(everything, names, more.get("calm", names), more.get("waiting", {}), now)
    return sorted(each.position.symbol for each in everything if each.name in names)


@pytest.mark.parametrize("symbols", range(1, 12))
@pytest.mark.parametrize("weight", [60, 120, 300])
def test_the_looks_at_any_number_of_coins_stay_within_their_share(symbols: int, weight: int) -> None:
    settings = ExecutorSettings(weight_per_10_seconds=weight)
    each = (
        symbols * weight_of("/api/v3/depth") if symbols <= SINGLE_BOOKS_MAX else weight_of("/api/v3/ticker/bookTicker")
    )
    requests = symbols if symbols <= SINGLE_BOOKS_MAX else 1
    beats = 10 / look_interval_seconds(symbols, settings)

    assert each * beats <= weight * 0.63
    assert requests * beats <= settings.requests_per_second * 10 * 0.63


def test_by_default_one_coin_is_looked_at_twice_a_second_and_any_number_within_four_thirds() -> None:
    beats = [look_interval_seconds(symbols, ExecutorSettings()) for symbols in (1, 2, 3, 4, 100)]

    assert beats == pytest.approx([0.5, 0.8, 1.2, 4 / 3, 4 / 3])


def test_each_of_a_few_coins_has_a_beat_of_its_own() -> None:
    paced, [first, second] = pace(), held("AUSDT", "BUSDT")

    assert look(paced, [first], 0.0) == ["AUSDT"]
    assert look(paced, [first, second], 0.3) == ["BUSDT"]
    assert paced.wait_seconds(0.3) == pytest.approx(0.2)
    assert look(paced, [first, second], 0.5) == ["AUSDT"]
    assert look(paced, [first, second], 0.9) == []
    assert look(paced, [first, second], 1.1) == ["BUSDT"]


def test_more_have_their_turn_together_whenever_they_were_looked_at_first() -> None:
    paced, everything = pace(), coins(5)

    assert len(look(paced, everything[:4], 0.0)) == 4
    assert look(paced, everything, 0.5) == ["C04USDT"]
    assert look(paced, everything, 1.0) == []
    assert len(look(paced, everything, 1.34)) == 5
    assert look(paced, everything, 2.0) == []
    assert len(look(paced, everything, 2.68)) == 5


def test_one_that_is_urgent_has_its_turn_always_and_what_waits_for_another_try_then() -> None:
    paced, [first, second] = pace(), held("AUSDT", "BUSDT")
    paced.looked([first, second], {first.name, second.name}, set(), {second.name: 0.25}, 0.0)

    assert look(paced, [first, second], 0.1) == ["AUSDT"]
    assert look(paced, [second], 0.2) == []
    assert look(paced, [second], 0.25) == ["BUSDT"]


def test_one_that_is_due_and_cannot_be_tried_has_its_turn_with_the_next_beat() -> None:
    paced, [only] = pace(), held("AUSDT")
    paced.looked([only], {only.name}, set(), {only.name: 0.0}, 0.0)

    assert look(paced, [only], 0.4) == []
    assert look(paced, [only], 0.5) == ["AUSDT"]


def test_a_person_who_wants_it_sold_waits_for_no_turn() -> None:
    paced, [only] = pace(), held("AUSDT")
    look(paced, [only], 0.0)

    assert look(paced, [replace(only, close_requested=True)], 0.01) == ["AUSDT"]


@pytest.mark.parametrize("state", [PositionState.DUST, PositionState.UNSELLABLE])
def test_what_cannot_be_sold_has_its_turn_now_and_then(state: PositionState) -> None:
    each, paced = _in_state(state), pace(rare_check_seconds=30)
    turns = [paced.take_turn(each, now) for now in (100.0, 129.0, 130.0)]

    assert turns == [True, False, True]


def test_what_is_not_in_the_account_has_no_turn() -> None:
    assert not pace().take_turn(_in_state(PositionState.EXTERNAL), 100.0)


def _in_state(state: PositionState) -> WatchedPosition:
    return WatchedPosition(a_position(listing=a_listing(), state=state), close_requested=False)
