import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mexc.symbols import QUOTE_ASSETS, Pair, all_normalised, normalise, split_symbol


@pytest.mark.parametrize("spelling", ["BTC_USDT", "btcusdt", "BTC-USDT", "btc/usdt", " BTC_usdt "])
def test_every_spelling_names_the_same_symbol(spelling: str) -> None:
    assert normalise(spelling) == "BTCUSDT"


@pytest.mark.parametrize("lookalike", ["ſOLUSDT", "ıNJUSDT", "ßUSDT", "币安人生USDT"])
def test_letters_of_other_scripts_are_not_taken_for_ours(lookalike: str) -> None:
    assert normalise(lookalike) == lookalike


@given(st.sets(st.sampled_from(["BTCUSDT", "btc_usdt", "1000X", "币安人生USDT", "a-b", "ſ", "X/Y", " "]) | st.text()))
def test_many_are_normalised_like_each_of_them(symbols: set[str]) -> None:
    assert all_normalised(symbols) == set(map(normalise, symbols))


@given(st.text())
def test_normalising_again_changes_nothing(symbol: str) -> None:
    assert normalise(normalise(symbol)) == normalise(symbol)


@pytest.mark.parametrize(
    ("symbol", "pair"),
    [
        ("BTCUSDT", ("BTC", "USDT")),
        ("new_usdc", ("NEW", "USDC")),
        ("ABCUSD1", ("ABC", "USD1")),
        ("USDCUSDT", ("USDC", "USDT")),
        ("ETHBTC", ("ETH", "BTC")),
        ("1000X币USDT", ("1000X币", "USDT")),
    ],
)
def test_symbol_splits_before_its_quote(symbol: str, pair: Pair) -> None:
    assert split_symbol(symbol) == pair


def test_longest_quote_that_fits_wins() -> None:
    assert split_symbol("ABCWETH", {"ETH", "WETH"}) == ("ABC", "WETH")


@pytest.mark.parametrize("symbol", ["", "USDT", "ABCXYZ"])
def test_symbol_without_a_base_or_a_known_quote_is_not_split(symbol: str) -> None:
    assert split_symbol(symbol) is None


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1), st.sampled_from(sorted(QUOTE_ASSETS)))
def test_split_assets_join_to_the_symbol(base: str, quote: str) -> None:
    pair = split_symbol(base + quote)

    assert pair is not None
    assert pair.base
    assert pair.base + pair.quote == base + quote
