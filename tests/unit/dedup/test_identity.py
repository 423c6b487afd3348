from datetime import timedelta
from decimal import Decimal

import pytest

from dedup.identity import listing_of, rescheduled_event
from shared.errors import PermanentError
from shared.events import Source, TradingRules
from shared.mexc.symbols import key_of
from tests.support.data.builders import NOON, a_listing, a_raw_listing


@pytest.mark.parametrize("spelling", ["BTCUSDT", "BTC_USDT", "btcusdt", "Btc_Usdt"])
def test_every_spelling_of_a_symbol_is_one_listing(spelling: str) -> None:
    assert key_of(a_raw_listing(symbol=spelling)) == "BTCUSDT:1"


def test_sources_and_times_do_not_make_a_listing_another_one() -> None:
    seen_first = a_raw_listing(source="mexc_websocket", listed_at=NOON)
    seen_later = a_raw_listing(source="mexc_rest_api", listed_at=NOON - timedelta(minutes=3))

    assert key_of(seen_first) == key_of(seen_later)


def test_a_relisting_is_another_listing() -> None:
    assert key_of(a_raw_listing(occurrence=2)) == "ABCUSDT:2"


def test_an_injection_is_never_the_real_listing() -> None:
    assert key_of(a_raw_listing(source=Source.TEST_INJECTION)) == "test:ABCUSDT:1"


def test_one_base_listed_against_two_quotes_is_two_listings() -> None:
    assert key_of(a_raw_listing(symbol="ABCUSDT")) != key_of(a_raw_listing(symbol="ABCUSDC"))


def test_the_listing_says_what_its_sighting_said() -> None:
    filtered = {"tradable": False, "not_tradable_reason": "leveraged token"}
    shown = {"price": Decimal("0.10"), "rules": TradingRules(base_precision=2, api_allowed=False)}
    raw = a_raw_listing(occurrence=2, late=True, opens_at=NOON + timedelta(hours=1), **filtered, **shown)

    listing = listing_of(raw, deduplicated_at=NOON)

    kept = set(type(raw).model_fields) - {"id"}
    assert listing.model_dump(include=kept) == raw.model_dump(include=kept)
    assert (listing.key, listing.deduplicated_at) == ("ABCUSDT:2", NOON)


def test_the_listing_is_spelled_as_the_exchange_spells_it() -> None:
    listing = listing_of(a_raw_listing(symbol="abc_usdt", base_asset="abc", quote_asset="usdt"), deduplicated_at=NOON)

    assert (listing.symbol, listing.base_asset, listing.quote_asset) == ("ABCUSDT", "ABC", "USDT")


def test_the_id_of_a_listing_follows_from_its_key_alone() -> None:
    first = listing_of(a_raw_listing(), deduplicated_at=NOON)
    second = listing_of(a_raw_listing(source="mexc_rest_api"), deduplicated_at=NOON + timedelta(seconds=1))

    assert first.id == second.id == "ABCUSDT:1:detected"


def test_a_symbol_of_separators_only_is_refused_in_the_words_of_the_contract() -> None:
    with pytest.raises(PermanentError, match=r"^Invalid symbol format$"):
        listing_of(a_raw_listing(symbol="___"), deduplicated_at=NOON)


def test_a_new_opening_time_is_told_of_the_listing_as_it_was_published() -> None:
    listing = a_listing(source="mexc_websocket", opens_at=NOON + timedelta(hours=1))
    later = listing_of(
        a_raw_listing(
            source="mexc_rest_api",
            opens_at=NOON + timedelta(hours=2),
            listed_at=NOON + timedelta(minutes=5),
            observed_at=NOON + timedelta(minutes=5),
        ),
        deduplicated_at=NOON + timedelta(minutes=6),
    )

    moved = rescheduled_event(listing, later)

    assert moved.id == f"ABCUSDT:1:rescheduled:{(NOON + timedelta(hours=2)).timestamp() * 1000:.0f}"
    assert (moved.key, moved.listed_at) == (listing.key, listing.listed_at)
    assert (moved.opens_at, moved.source) == (NOON + timedelta(hours=2), Source.MEXC_REST_API)
    assert (moved.observed_at, moved.deduplicated_at) == (later.observed_at, later.deduplicated_at)


def test_a_new_opening_time_comes_with_the_price_of_its_own_sighting_and_the_newest_rules_known() -> None:
    old, new = TradingRules(api_allowed=False), TradingRules(api_allowed=True)
    listing = a_listing(price=Decimal(1), rules=old)
    without = rescheduled_event(listing, a_listing(opens_at=NOON))
    with_both = rescheduled_event(listing, a_listing(opens_at=NOON, price=Decimal(2), rules=new))

    assert (without.price, without.rules) == (None, old)
    assert (with_both.price, with_both.rules) == (Decimal(2), new)


def test_a_sighting_that_names_no_opening_time_moves_none() -> None:
    with pytest.raises(ValueError, match="moves nothing"):
        rescheduled_event(a_listing(), a_listing(opens_at=None))
