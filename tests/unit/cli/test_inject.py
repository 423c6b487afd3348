import pytest

from cli.inject import sighting
from shared.errors import SettingsError
from shared.events import Source


@pytest.mark.parametrize(
    ("symbol", "quote", "base"),
    [
        ("TESTUSDT", "USDT", "TEST"),
        ("TEST_USDT", "USDT", "TEST"),
        ("TESTUSDC", "USDC", "TEST"),
        ("TEST", "USDT", "TEST"),
        ("USDT", "USDT", "USDT"),
    ],
)
def test_an_injected_listing_is_one_like_any_other(symbol: str, quote: str, base: str) -> None:
    listing = sighting(symbol, quote)

    assert (listing.symbol, listing.base_asset, listing.quote_asset) == (symbol, base, quote)
    assert listing.source is Source.TEST_INJECTION
    assert listing.listed_at == listing.observed_at == listing.published_at


def test_each_injection_is_a_sighting_of_its_own() -> None:
    assert sighting("TESTUSDT", "USDT").id != sighting("TESTUSDT", "USDT").id


def test_a_symbol_that_none_can_have_is_refused_in_the_contracts_words() -> None:
    with pytest.raises(SettingsError, match=r"^Invalid symbol format$"):
        sighting("TEST-USDT", "USDT")


@pytest.mark.parametrize("quote", ["", "U", "USDT;", "A" * 11])
def test_a_quote_that_is_no_asset_is_refused(quote: str) -> None:
    with pytest.raises(SettingsError, match=r"^--quote: "):
        sighting("TESTUSDT", quote)
