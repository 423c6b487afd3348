from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from api.operator.injection import Injection, sighting
from shared.events import Source
from tests.support.data.builders import NOON


@pytest.mark.parametrize(
    ("symbol", "quote", "spelled", "base"),
    [
        ("TESTUSDT", "USDT", "TESTUSDT", "TEST"),
        ("TEST_USDT", "USDT", "TESTUSDT", "TEST"),
        ("TESTUSDC", "USDC", "TESTUSDC", "TEST"),
        ("TEST", "USDT", "TEST", "TEST"),
        ("USDT", "USDT", "USDT", "USDT"),
        ("币安人生USDT", "USDT", "币安人生USDT", "币安人生"),
    ],
)
def test_an_injected_listing_is_one_like_any_other(symbol: str, quote: str, spelled: str, base: str) -> None:
    listing = sighting(Injection(symbol=symbol, quote_asset=quote), NOON)

    assert (listing.symbol, listing.base_asset, listing.quote_asset) == (spelled, base, quote)
    assert listing.source is Source.TEST_INJECTION
    assert listing.listed_at == listing.observed_at == listing.published_at == NOON


def test_each_injection_is_a_sighting_of_its_own() -> None:
    wanted = Injection(symbol="TESTUSDT")

    assert sighting(wanted, NOON).id != sighting(wanted, NOON).id


def test_its_times_can_be_chosen() -> None:
    earlier, later = NOON - timedelta(seconds=5), NOON + timedelta(hours=1)

    listing = sighting(Injection(symbol="TESTUSDT", listed_at=earlier, opens_at=later), NOON)

    assert (listing.listed_at, listing.opens_at, listing.observed_at) == (earlier, later, NOON)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"symbol": "AB"}, "Invalid symbol format"),
        ({"symbol": "A__"}, "Invalid symbol format"),
        ({"symbol": "TEST-USDT"}, "Invalid symbol format"),
        ({"source": "binance"}, "source must be: mexc_websocket, mexc_rest_api, or test_injection"),
        ({"source": "mexc_websocket"}, "only test_injection can be injected"),
        ({"quote_asset": "USDT;"}, "must be an asset like USDT"),
        ({"listed_at": "2026-03-02T12:00:00"}, "timezone"),
        ({"price": 1}, "Extra inputs"),
    ],
)
def test_a_wrong_one_is_refused_in_words(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Injection.model_validate({"symbol": "TESTUSDT", **wrong})
