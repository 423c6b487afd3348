"""Prices and trades are functions of symbol and time."""

from decimal import Decimal

from simulator.market.price import day_ticker, next_change_ms, price_at, trades_between
from simulator.symbols.symbol_generator import fresh_symbols, initial, newcomer
from tests.support.data.markets import NOW_MS, an_instrument


def test_price_stays_within_its_swing_and_moves() -> None:
    coin = an_instrument(swing=0.05)
    prices = {price_at(coin, NOW_MS + second * 1_000) for second in range(1_000)}

    assert len(prices) > 100
    assert Decimal(95) <= min(prices) < max(prices) <= Decimal(105)


def test_price_changes_when_it_says_it_will_and_not_before() -> None:
    coin = an_instrument(swing=0.05, pace_ms=7_000)
    moment = next_change_ms(coin, NOW_MS)

    assert price_at(coin, moment - 1) == price_at(coin, NOW_MS) != price_at(coin, moment)


def test_first_price_is_the_opening_price() -> None:
    coin = an_instrument(swing=0.05)

    assert price_at(coin, coin.opens_at_ms - 1) == price_at(coin, coin.opens_at_ms) == 100


def test_opening_is_the_next_change_of_a_symbol_not_yet_open() -> None:
    coin = an_instrument(opens_at_ms=NOW_MS + 123)

    assert next_change_ms(coin, NOW_MS) == NOW_MS + 123


def test_price_of_a_nearly_worthless_coin_is_never_zero() -> None:
    coin = an_instrument(price=Decimal("0.01"), swing=0.9)

    assert min(price_at(coin, NOW_MS + second * 1_000) for second in range(200)) == Decimal("0.01")


def test_first_trade_is_the_opening() -> None:
    coin = an_instrument()

    first, second, *_ = trades_between(coin, coin.opens_at_ms - 5_000, NOW_MS)

    assert (first.time_ms, second.time_ms) == (coin.opens_at_ms, coin.opens_at_ms + 1_000)


def test_adjoining_spans_hold_every_trade_once() -> None:
    coin = an_instrument()
    whole = list(trades_between(coin, NOW_MS - 10_000, NOW_MS))

    halves = [*trades_between(coin, NOW_MS - 10_000, NOW_MS - 5_000), *trades_between(coin, NOW_MS - 5_000, NOW_MS)]

    assert len(whole) == 10
    assert halves == whole


def test_day_of_a_newcomer_starts_at_its_opening_price() -> None:
    coin = an_instrument(swing=0.05)
    of_day = day_ticker(coin, NOW_MS)

    assert of_day.opening == 100
    assert of_day.low <= of_day.last <= of_day.high
    assert of_day.turnover > 0


def test_universe_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    assert initial(50, 1, NOW_MS) == initial(50, 1, NOW_MS) != initial(50, 2, NOW_MS)


def test_universe_has_the_asked_number_of_unlike_symbols() -> None:
    symbols = [each.symbol for each in initial(2_000, 1, NOW_MS)]

    assert len(set(symbols)) == 2_000
    assert symbols[:3] == ["BTCUSDT", "ETHUSDT", "MXUSDT"]


def test_some_of_the_universe_cannot_be_traded_through_the_api() -> None:
    closed = [each for each in initial(2_000, 1, NOW_MS) if not each.api_allowed]

    assert 40 < len(closed) < 160


def test_fresh_symbols_never_repeat() -> None:
    names = fresh_symbols(1)
    drawn = [next(names) for _ in range(6_000)]

    assert len(set(drawn)) == 6_000


def test_newcomer_is_named_after_its_symbol_and_opens_when_told() -> None:
    coin = newcomer("NEWUSDC", NOW_MS, NOW_MS + 5, Decimal("0.00001234"))

    assert (coin.base, coin.quote, coin.opens_at_ms) == ("NEW", "USDC", NOW_MS + 5)
    assert (coin.price, coin.price_decimals) == (Decimal("0.00001234"), 8)


def test_a_step_of_a_dear_newcomer_is_affordable() -> None:
    coin = newcomer("GOLDUSDT", NOW_MS, NOW_MS, Decimal(60_000))

    assert coin.quantity_step * coin.price < 1
