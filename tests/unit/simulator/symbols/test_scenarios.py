"""Scenarios are pure functions of a seed and the time, within their documented bounds."""

from decimal import Decimal
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.market.book import Side
from simulator.market.listings import ListingRequest, SymbolChange, apply_change, make_instrument
from simulator.market.orders import OrderRequest, OrderType
from simulator.market.price import day_ticker, next_change_ms, price_at, trades_between
from simulator.settings import SimulatorSettings
from simulator.symbols.instrument import Instrument, Phase
from simulator.symbols.scenario_order import FIRST_ROUND, LATER_ROUND, scenario_of, scenario_symbol
from simulator.symbols.scenarios import BOUNDS, LIVELY_SECONDS, Scenario, course_of
from tests.support.data.markets import NOW_MS, a_buy, a_market, a_sell

SCENARIOS = st.sampled_from(list(Scenario))
SEEDS = st.integers(min_value=-(2**63), max_value=2**63)
HOUR_MS = 3_600_000
few = settings(max_examples=25)
"""For tests of a whole course."""


def a_coin(scenario: Scenario, seed: int = 1, speed: float = 1, **request: object) -> Instrument:
    """A coin at 100 that is listed at NOW_MS."""
    wanted = {"symbol": "NEWUSDT", "scenario": scenario, "scenario_seed": seed, "price": "100"} | request
    return make_instrument(ListingRequest.model_validate(wanted), SimulatorSettings(scenario_speed=speed), NOW_MS)


def at(coin: Instrument, seconds: float) -> Decimal:
    return price_at(coin, coin.opens_at_ms + round(seconds * 1_000))


@given(SCENARIOS, SEEDS, st.integers(-HOUR_MS, 30 * 24 * HOUR_MS), st.sampled_from([1.0, 4.0, 100.0]))
def test_prices_are_positive_and_within_their_documented_bounds_at_any_time(
    scenario: Scenario, seed: int, since_opening_ms: int, speed: float
) -> None:
    coin = a_coin(scenario, seed, speed)
    lowest, highest = BOUNDS[scenario]

    price = price_at(coin, coin.opens_at_ms + since_opening_ms)

    assert Decimal(repr(lowest)) * 100 <= price <= Decimal(repr(highest)) * 100


@given(SCENARIOS, SEEDS)
def test_one_seed_makes_one_course(scenario: Scenario, seed: int) -> None:
    assert course_of(scenario, seed) == course_of(scenario, seed)


@pytest.mark.parametrize("scenario", [each for each in Scenario if each is not Scenario.NOTHING_HAPPENS])
def test_other_seeds_make_other_courses(scenario: Scenario) -> None:
    assert len({course_of(scenario, seed) for seed in range(50)}) == 50


@given(SCENARIOS, SEEDS)
def test_paths_begin_at_the_opening_price_and_go_forward_in_time(scenario: Scenario, seed: int) -> None:
    path = course_of(scenario, seed).path
    times = [point.seconds for point in path]

    assert (path[0].seconds, path[0].multiple) == (0, 1)
    assert times == sorted(times)
    assert times[-1] >= LIVELY_SECONDS


@given(SCENARIOS, SEEDS, st.floats(0, 200), st.sampled_from([2.0, 4.0, 50.0]))
def test_a_faster_course_passes_the_same_prices_sooner(
    scenario: Scenario, seed: int, seconds: float, speed: float
) -> None:
    course = course_of(scenario, seed)

    # A gap may be on either side of a time that is not exact in binary.
    near = {course.multiple(seconds - 1e-9), course.multiple(seconds), course.multiple(seconds + 1e-9)}
    assert any(course.faster(speed).multiple(seconds / speed) == pytest.approx(each) for each in near)


@few
@given(SEEDS)
def test_a_spike_passes_a_third_and_stays_below_a_half_and_loses_all_of_it(seed: int) -> None:
    coin = a_coin(Scenario.SPIKE_AND_FADE, seed)
    prices = [at(coin, second / 2) for second in range(240)]
    peak = max(prices)

    assert 132 < peak < 146
    assert prices.index(peak) <= 2 * 20  # seconds
    assert prices[-1] < 97


@few
@given(SEEDS)
def test_a_grind_has_risen_by_a_half_within_three_quarters_of_a_minute_and_never_falls_far(seed: int) -> None:
    coin = a_coin(Scenario.SLOW_GRIND, seed)
    prices = [at(coin, second / 2) for second in range(240)]

    assert max(prices[: 2 * 47]) > 150
    assert all(
        price > highest * Decimal("0.97") for highest, price in zip(accumulate(prices, max), prices, strict=True)
    )


@few
@given(SEEDS)
def test_a_crash_waits_for_some_seconds_and_then_falls_past_a_stop_within_one_trade(seed: int) -> None:
    coin = a_coin(Scenario.CRASH_AT_ONCE, seed)
    trades = [trade.price for trade in trades_between(coin, coin.opens_at_ms - 1, coin.opens_at_ms + 60_000)]
    steepest = min(after / before for before, after in pairwise(trades))

    assert min(trades[: 2 * 6]) > 99
    assert steepest < Decimal("0.82")
    assert 39 < trades[-1] < 61


@few
@given(SEEDS)
def test_a_thin_book_is_wide_and_holds_little(seed: int) -> None:
    coin = a_coin(Scenario.THIN_BOOK, seed, depth_quote=None)
    market = a_market(coin)
    bid, ask = (next(market.levels(coin, side, NOW_MS + 1_000)).price for side in Side)
    offered = sum(level.price * level.quantity for level in market.levels(coin, Side.SELL, NOW_MS + 1_000))

    assert Decimal("1.12") < ask / bid < Decimal("1.21")
    assert 300 < offered < 1_100


@few
@given(SEEDS)
def test_a_delayed_opening_is_announced_and_later_still(seed: int) -> None:
    coin = a_coin(Scenario.DELAYED_OPENING, seed)

    assert 30_000 <= coin.first_open_time_ms - coin.listed_at_ms <= 40_000
    assert 2_000 <= coin.opens_at_ms - coin.first_open_time_ms <= 6_000
    assert coin.phase(coin.first_open_time_ms) is Phase.PREOPEN


@few
@given(SEEDS)
def test_a_halted_coin_is_suspended_within_the_minute_and_comes_back(seed: int) -> None:
    coin = a_coin(Scenario.HALTED_AFTER_A_MINUTE, seed)
    begins, ends = list(coin.transitions())[2:]
    trades = [trade.time_ms for trade in trades_between(coin, coin.opens_at_ms, ends + 5_000)]

    assert 50_000 <= begins - coin.opens_at_ms < 58_001
    assert 30_000 <= ends - begins <= 40_000
    assert [coin.phase(moment) for moment in (begins - 1, begins, ends - 1, ends)] == [
        Phase.OPEN,
        Phase.SUSPENDED,
        Phase.SUSPENDED,
        Phase.OPEN,
    ]
    assert not [moment for moment in trades if begins <= moment < ends]
    assert len({price_at(coin, moment) for moment in range(begins, ends - 500, 250)}) == 1


@given(SCENARIOS, SEEDS, st.integers(0, 600_000))
def test_the_price_changes_when_it_says_it_will_and_not_before(scenario: Scenario, seed: int, since_ms: int) -> None:
    coin = a_coin(scenario, seed)
    now_ms = coin.opens_at_ms + since_ms
    moment = next_change_ms(coin, now_ms)

    assert moment > now_ms
    assert price_at(coin, moment - 1) == price_at(coin, now_ms)


def test_a_coin_moves_seldom_once_its_course_is_over() -> None:
    coin = a_coin(Scenario.SPIKE_AND_FADE)
    young, old = coin.opens_at_ms + 60_000, coin.opens_at_ms + 200_000

    assert next_change_ms(coin, young) - young <= 500
    assert next_change_ms(coin, old) - old > 500
    assert len({at(coin, 300 + second) for second in range(600)}) > 10


@given(SCENARIOS, SEEDS, st.integers(0, 200_000))
def test_the_day_of_a_coin_holds_its_last_price(scenario: Scenario, seed: int, since_ms: int) -> None:
    coin = a_coin(scenario, seed)
    of_day = day_ticker(coin, coin.opens_at_ms + since_ms)

    assert 0 < of_day.low <= of_day.last <= of_day.high


@given(st.sampled_from([each for each in Scenario if each is not Scenario.HALTED_AFTER_A_MINUTE]), st.integers(0, 99))
def test_orders_are_matched_around_the_price_of_the_course(scenario: Scenario, second: int) -> None:
    coin = a_coin(scenario)
    now_ms = coin.opens_at_ms + second * 1_000
    market = a_market(coin, USDT=10_000, NEW=10)
    price, reach = price_at(coin, now_ms), coin.half_spread + Decimal("0.02")

    bought = market.place(a_buy_of("50"), now_ms)
    sold = market.place(a_sell_of("0.2"), now_ms)

    assert all(price <= fill.price <= price * (1 + reach) + coin.tick for fill in bought.fills)
    assert all(price * (1 - reach) - coin.tick <= fill.price <= price for fill in sold.fills)
    assert bought.fills
    assert sold.fills


def a_buy_of(amount: str) -> OrderRequest:
    return a_buy(OrderType.MARKET, symbol="NEWUSDT", quote_quantity=amount)


def a_sell_of(quantity: str) -> OrderRequest:
    return a_sell(OrderType.MARKET, symbol="NEWUSDT", quantity=quantity)


def test_who_sets_the_price_by_hand_ends_the_scenario() -> None:
    coin = apply_change(a_coin(Scenario.SPIKE_AND_FADE), SymbolChange(price=Decimal(7), swing=0), NOW_MS + 5_000)

    assert (coin.scenario, at(coin, 10)) == (None, Decimal(7))


def test_the_first_act_holds_each_scenario_once() -> None:
    assert sorted(scenario_of(number, seed=1) for number in range(len(FIRST_ROUND))) == sorted(Scenario)


@given(SEEDS, st.integers(0, 1_000))
def test_later_rounds_are_shuffled_by_the_seed_and_complete(seed: int, turn: int) -> None:
    start = len(FIRST_ROUND) + turn * len(LATER_ROUND)
    played = [scenario_of(number, seed) for number in range(start, start + len(LATER_ROUND))]

    assert sorted(played) == sorted(LATER_ROUND)
    assert played == [scenario_of(number, seed) for number in range(start, start + len(LATER_ROUND))]


def test_rounds_differ() -> None:
    later = [scenario_of(len(FIRST_ROUND) + number, seed=1) for number in range(10 * len(LATER_ROUND))]
    rounds = {tuple(later[start : start + len(LATER_ROUND)]) for start in range(0, len(later), len(LATER_ROUND))}

    assert len(rounds) > 5


def test_a_coin_with_a_thin_book_is_called_as_leveraged_tokens_are() -> None:
    assert [scenario_symbol("KOLUUSDT", each) for each in (Scenario.THIN_BOOK, Scenario.SLOW_GRIND)] == [
        "KOLU3LUSDT",
        "KOLUUSDT",
    ]
