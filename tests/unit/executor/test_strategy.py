from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.reasons import Reason
from executor.settings import ExecutorSettings
from executor.strategy import Buy, Refuse, TradeConfig, decide
from shared.events import AppliedConfig, Listing
from tests.builders import NOON, a_listing

NOW = NOON + timedelta(seconds=1)
MONEY = st.decimals(min_value="0.01", max_value="9999999999.99", places=2)


def a_config(max_trade: str = "100.00", max_position: str = "1000.00", *, halted: bool = False) -> TradeConfig:
    limits = AppliedConfig(
        max_trade_usdt=Decimal(max_trade), max_position_usdt=Decimal(max_position), auto_trade=False, updated_at=NOON
    )
    return TradeConfig(limits, halted)


def decided(
    listing: Listing,
    config: TradeConfig | None,
    committed: str = "0",
    now: datetime = NOW,
    **settings: Any,
) -> Buy | Refuse:
    return decide(listing, config, Decimal(committed), ExecutorSettings(**settings), now)


def test_a_fresh_listing_is_bought_for_the_limit() -> None:
    assert decided(a_listing(), a_config()) == Buy(Decimal("100.00"))


def test_a_set_order_size_is_used() -> None:
    assert decided(a_listing(), a_config(), order_usdt="12.50") == Buy(Decimal("12.50"))


def test_without_a_config_nothing_is_bought() -> None:
    assert decided(a_listing(), None) == Refuse(Reason.CONFIG_MISSING)


def test_a_halt_comes_before_everything_else() -> None:
    assert decided(a_listing(late=True), a_config(halted=True)) == Refuse(Reason.HALTED)


def test_a_listing_at_the_age_limit_is_bought() -> None:
    assert isinstance(decided(a_listing(), a_config(), now=NOON + timedelta(seconds=60)), Buy)


def test_an_older_listing_is_stale() -> None:
    just_over = NOON + timedelta(seconds=60, milliseconds=1)

    assert decided(a_listing(), a_config(), now=just_over) == Refuse(Reason.STALE_LISTING)


def test_the_age_limit_can_be_set() -> None:
    now = NOON + timedelta(seconds=6)

    assert decided(a_listing(), a_config(), now=now, listing_age_seconds=5) == Refuse(Reason.STALE_LISTING)


def test_an_old_listing_seen_only_now_is_stale() -> None:
    listing = a_listing(listed_at=NOON - timedelta(hours=1), observed_at=NOON)

    assert decided(listing, a_config()) == Refuse(Reason.STALE_LISTING)


def test_an_old_sighting_is_stale_whatever_the_listing_time_says() -> None:
    listing = a_listing(listed_at=NOON, observed_at=NOON - timedelta(hours=1))

    assert decided(listing, a_config()) == Refuse(Reason.STALE_LISTING)


def test_a_late_listing_is_stale() -> None:
    assert decided(a_listing(late=True), a_config()) == Refuse(Reason.STALE_LISTING)


def test_a_listing_from_the_future_has_no_known_age() -> None:
    ahead = NOW + timedelta(seconds=3)

    assert decided(a_listing(listed_at=ahead, observed_at=ahead), a_config()) == Refuse(Reason.STALE_LISTING)


def test_a_clock_slightly_ahead_of_ours_does_no_harm() -> None:
    ahead = NOW + timedelta(seconds=1)

    assert isinstance(decided(a_listing(listed_at=ahead, observed_at=ahead), a_config()), Buy)


def test_a_listing_that_opens_later_is_not_bought_now() -> None:
    assert decided(a_listing(opens_at=NOW + timedelta(hours=2)), a_config()) == Refuse(Reason.NOT_OPEN_YET)


@pytest.mark.parametrize("offset_seconds", [-3600, 0, 1])
def test_a_listing_that_is_open_or_about_to_be_is_bought(offset_seconds: int) -> None:
    assert isinstance(decided(a_listing(opens_at=NOW + timedelta(seconds=offset_seconds)), a_config()), Buy)


def test_another_quote_asset_is_not_traded() -> None:
    listing = a_listing(symbol="ABCUSDC", quote_asset="USDC")

    assert decided(listing, a_config()) == Refuse(Reason.QUOTE_ASSET_NOT_TRADED)


def test_another_dollar_can_be_allowed() -> None:
    listing = a_listing(symbol="ABCUSDC", quote_asset="USDC")

    assert isinstance(decided(listing, a_config(), quote_assets={"USDC"}), Buy)


def test_a_listing_that_the_filters_caught_is_not_bought() -> None:
    listing = a_listing(symbol="BTC3LUSDT", tradable=False, not_tradable_reason="leveraged token")

    assert decided(listing, a_config()) == Refuse(Reason.FILTERED)


def test_what_is_filtered_says_so_however_old_it_is() -> None:
    listing = a_listing(tradable=False, late=True, opens_at=NOW + timedelta(hours=2))

    assert decided(listing, a_config()) == Refuse(Reason.FILTERED)


def test_a_full_position_takes_no_more() -> None:
    assert decided(a_listing(), a_config(), committed="900.01") == Refuse(Reason.MAX_POSITION)


@pytest.mark.parametrize("max_trade", ["0", "-5", "0.01"])
def test_a_limit_that_leaves_nothing_to_spend_buys_nothing(max_trade: str) -> None:
    # One cent less its fee is no whole cent.
    assert decided(a_listing(), a_config(max_trade)) == Refuse(Reason.LIMITS_INVALID)


@given(max_trade=MONEY, max_position=MONEY, committed=MONEY, order_usdt=st.none() | MONEY)
def test_no_purchase_exceeds_a_limit(
    max_trade: Decimal, max_position: Decimal, committed: Decimal, order_usdt: Decimal | None
) -> None:
    decision = decided(a_listing(), a_config(str(max_trade), str(max_position)), str(committed), order_usdt=order_usdt)

    if isinstance(decision, Buy):
        assert 0 < decision.quote_qty <= max_trade
        assert committed + decision.quote_qty <= max_position
