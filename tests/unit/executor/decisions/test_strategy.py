from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.decisions.limits import LimitUsage
from executor.decisions.strategy import Buy, TradeConfig, WaitForOpening
from executor.model.reasons import Reason, Refusal
from shared.events import Listing, Mode, Source, TradingRules
from tests.support.data.builders import NOON, a_committed, a_listing, an_applied_config
from tests.support.data.decisions import (
    LATER,
    NOW,
    UNSYNCHRONISED,
    a_standing,
    ahead,
    decided,
    fired,
    reason_of,
    unconfigured,
)
from tests.support.data.strategies import listings, steady, times

MONEY = st.decimals(min_value="0.01", max_value="9999999999.99", places=2)


def test_a_fresh_listing_is_bought_for_the_limit() -> None:
    assert decided(a_listing()) == Buy(Decimal("100.00"))


def test_a_set_order_size_is_used() -> None:
    assert decided(a_listing(), order_usdt="12.50") == Buy(Decimal("13.13"))


def test_without_a_config_nothing_is_bought_or_waited_for() -> None:
    assert decided(a_listing(), unconfigured()) == Refusal(Reason.CONFIG_MISSING)
    assert decided(ahead(), unconfigured()) == Refusal(Reason.CONFIG_MISSING)
    assert fired(a_listing(opens_at=NOW), unconfigured()) == Refusal(Reason.CONFIG_MISSING)


def test_a_halt_comes_before_everything_else_and_says_who() -> None:
    halted = a_standing(halted="operator: lunch", mode=Mode.LIVE)
    expected = Refusal(Reason.HALTED, "operator: lunch")

    assert decided(a_listing(late=True, tradable=False), halted, UNSYNCHRONISED) == expected
    assert decided(ahead(), halted) == expected
    assert fired(a_listing(opens_at=NOON - timedelta(hours=1)), halted) == expected


def test_a_test_injection_never_trades_live() -> None:
    injected = {"source": Source.TEST_INJECTION}
    live = a_standing(mode=Mode.LIVE)

    assert decided(a_listing(**injected), live) == Refusal(Reason.NOT_LIVE, "a test injection")
    assert reason_of(decided(ahead(**injected), live)) is Reason.NOT_LIVE
    assert reason_of(fired(a_listing(opens_at=NOW, **injected), live)) is Reason.NOT_LIVE
    assert isinstance(decided(a_listing(**injected)), Buy)


def test_nothing_trades_live_without_auto_trade() -> None:
    live = a_standing(mode=Mode.LIVE, auto_trade=False)

    assert decided(a_listing(), live) == Refusal(Reason.NOT_LIVE, "auto_trade is off")
    assert fired(a_listing(opens_at=NOW), live) == Refusal(Reason.NOT_LIVE, "auto_trade is off")


@pytest.mark.parametrize(("seconds", "ended"), [(-1, True), (0, True), (1, False)])
def test_nothing_trades_live_once_live_trading_has_ended(seconds: int, ended: bool) -> None:
    live = a_standing(mode=Mode.LIVE, auto_trade_until=NOW + timedelta(seconds=seconds))

    for decision in (decided(a_listing(), live), fired(a_listing(opens_at=NOW), live)):
        assert (decision == Refusal(Reason.NOT_LIVE, "auto_trade is off")) == ended


@pytest.mark.parametrize(("slippage", "reserved"), [(None, "52.50"), ("5", "52.50"), ("20", "60.00")])
def test_a_reservation_goes_by_the_slippage_that_is_configured(slippage: str | None, reserved: str) -> None:
    standing = a_standing(entry_slippage_pct=slippage)

    assert decided(a_listing(), standing, order_usdt=50) == Buy(Decimal(reserved))


def test_a_dry_run_does_not_mind_auto_trade() -> None:
    assert isinstance(decided(a_listing(), a_standing(auto_trade=True)), Buy)


def test_nothing_is_halted_and_no_refusal_has_a_detail_unless_somebody_says_so() -> None:
    assert TradeConfig(an_applied_config()).halted == ""
    assert Refusal(Reason.RELIST).detail == ""


@pytest.mark.parametrize("ask", [decided, fired])
def test_a_listing_that_the_filters_caught_is_not_bought(ask: Any) -> None:
    listing = a_listing(opens_at=NOW, tradable=False, not_tradable_reason="leveraged token")

    assert ask(listing) == Refusal(Reason.FILTERED, "leveraged token")


def test_what_is_filtered_says_so_however_old_it_is() -> None:
    assert reason_of(decided(a_listing(tradable=False, late=True))) is Reason.FILTERED
    assert reason_of(decided(ahead(tradable=False))) is Reason.FILTERED


@pytest.mark.parametrize("ask", [decided, fired])
def test_a_relist_is_bought_only_when_asked_for(ask: Any) -> None:
    again = a_listing(occurrence=2, opens_at=NOW)

    assert ask(again) == Refusal(Reason.RELIST)
    assert isinstance(ask(again, trade_relist=True), Buy)


@pytest.mark.parametrize("ask", [decided, fired])
def test_another_quote_asset_is_not_traded_unless_allowed(ask: Any) -> None:
    listing = a_listing(symbol="ABCUSDC", quote_asset="USDC", opens_at=NOW)

    assert ask(listing) == Refusal(Reason.QUOTE_ASSET_NOT_TRADED, "USDC")
    assert isinstance(ask(listing, quote_assets={"USDC"}), Buy)


CLOSED_RULES = [TradingRules(api_allowed=False), TradingRules(trade_side_type=3), TradingRules(trade_side_type=4)]
OPEN_RULES = [TradingRules(), TradingRules(api_allowed=True), *(TradingRules(trade_side_type=each) for each in (1, 2))]


@pytest.mark.parametrize("rules", CLOSED_RULES)
def test_a_symbol_that_takes_no_purchases_yet_is_waited_for(rules: TradingRules) -> None:
    assert decided(a_listing(rules=rules)) == WaitForOpening(None)


@pytest.mark.parametrize("rules", CLOSED_RULES)
def test_once_its_opening_has_come_rules_from_before_it_hold_nothing_back(rules: TradingRules) -> None:
    """A sign of trading close to the stated opening is no news: nothing would end the wait."""
    assert isinstance(decided(a_listing(rules=rules, opens_at=NOON)), Buy)


@pytest.mark.parametrize("rules", CLOSED_RULES)
def test_what_is_stale_or_unwanted_is_not_waited_for(rules: TradingRules) -> None:
    assert reason_of(decided(a_listing(rules=rules, late=True))) is Reason.STALE_LISTING
    assert reason_of(decided(a_listing(rules=rules, tradable=False))) is Reason.FILTERED


@pytest.mark.parametrize("rules", OPEN_RULES)
def test_an_open_symbol_that_takes_purchases_or_does_not_say_is_bought(rules: TradingRules) -> None:
    assert isinstance(decided(a_listing(rules=rules)), Buy)


@pytest.mark.parametrize("rules", CLOSED_RULES)
def test_rules_from_before_the_opening_may_be_about_to_change(rules: TradingRules) -> None:
    assert decided(ahead(rules=rules)) == WaitForOpening(LATER)
    assert isinstance(fired(a_listing(rules=rules, opens_at=NOW)), Buy)


def test_waiting_asks_neither_for_room_nor_for_readiness() -> None:
    full = a_standing(
        mode=Mode.LIVE, base_held=True, max_trade_usdt=0, committed=a_committed(committed_usdt=Decimal(1000))
    )

    assert decided(ahead(), full, UNSYNCHRONISED) == WaitForOpening(LATER)


@pytest.mark.parametrize("ask", [decided, fired])
def test_what_is_unready_holds_up_live_orders_only(ask: Any) -> None:
    listing = a_listing(opens_at=NOW)

    assert not isinstance(ask(listing, a_standing(mode=Mode.LIVE), UNSYNCHRONISED), Buy)
    assert isinstance(ask(listing, a_standing(mode=Mode.DRY_RUN), UNSYNCHRONISED), Buy)
    assert isinstance(ask(listing, a_standing(mode=Mode.LIVE), None), Buy)


@pytest.mark.parametrize("opens_at", [None, NOON, NOW + timedelta(seconds=0.5)])
def test_what_is_to_be_bought_live_waits_for_an_executor_that_is_ready(opens_at: datetime | None) -> None:
    live, listing = a_standing(mode=Mode.LIVE), a_listing(opens_at=opens_at)

    assert decided(listing, live, UNSYNCHRONISED) == WaitForOpening(opens_at or listing.observed_at)
    assert fired(listing, live, UNSYNCHRONISED) == UNSYNCHRONISED


@pytest.mark.parametrize("apart_seconds", [90, -90])
def test_a_clock_that_may_be_wrong_makes_no_listing_too_old_nor_of_the_future(apart_seconds: float) -> None:
    live, listing, now = a_standing(mode=Mode.LIVE), a_listing(), NOW + timedelta(seconds=apart_seconds)
    unwatched = a_listing(late=True)

    assert decided(listing, live, UNSYNCHRONISED, now=now) == WaitForOpening(listing.observed_at)
    assert isinstance(decided(listing, live, Refusal(Reason.UNRECONCILED), now=now), Refusal)
    assert isinstance(decided(unwatched, live, UNSYNCHRONISED, now=now), Refusal)


def test_an_opening_that_passed_while_no_executor_was_ready_names_what_stood_against_it() -> None:
    late, listing = NOON + timedelta(seconds=61), a_listing(opens_at=NOON)

    assert fired(listing, a_standing(mode=Mode.LIVE), UNSYNCHRONISED, now=late) == Refusal(
        Reason.OPENING_PASSED, "61.0 s ago; clock_uncertain: no answer yet"
    )
    assert fired(listing, None, UNSYNCHRONISED, now=late) == Refusal(Reason.OPENING_PASSED, "61.0 s ago")


@pytest.mark.parametrize("ask", [decided, fired])
def test_a_coin_that_is_held_is_not_bought_again(ask: Any) -> None:
    assert ask(a_listing(opens_at=NOW), a_standing(base_held=True)) == Refusal(Reason.BASE_ASSET_HELD)


@pytest.mark.parametrize(
    ("committed", "reason"),
    [
        (a_committed(committed_usdt=Decimal("900.01")), Reason.MAX_POSITION),
        (a_committed(recent_orders=[NOW, NOW]), Reason.ORDERS_PER_MINUTE),
        (a_committed(day_orders=3), Reason.ORDERS_PER_DAY),
        (a_committed(day_spent_usdt=Decimal("250.01")), Reason.DAILY_SPEND),
    ],
)
@pytest.mark.parametrize("ask", [decided, fired])
def test_each_limit_holds(ask: Any, committed: LimitUsage, reason: Reason) -> None:
    limits = {"orders_per_minute": 2, "orders_per_day": 3, "daily_spend_usdt": "350.00"}

    assert ask(a_listing(opens_at=NOW), a_standing(committed=committed), **limits) == Refusal(reason)
    assert isinstance(ask(a_listing(opens_at=NOW), **limits), Buy)


@pytest.mark.parametrize("max_trade", ["0", "-5", "0.01"])
def test_a_limit_that_leaves_nothing_to_spend_buys_nothing(max_trade: str) -> None:
    # One cent less its fee is no whole cent.
    assert decided(a_listing(), a_standing(max_trade_usdt=max_trade)) == Refusal(Reason.LIMITS_INVALID)


@steady
@given(max_trade=MONEY, max_position=MONEY, committed=MONEY, order_usdt=st.none() | MONEY)
def test_no_purchase_exceeds_a_limit(
    max_trade: Decimal, max_position: Decimal, committed: Decimal, order_usdt: Decimal | None
) -> None:
    standing = a_standing(
        max_trade_usdt=max_trade, max_position_usdt=max_position, committed=a_committed(committed_usdt=committed)
    )
    for decision in (
        decided(a_listing(), standing, order_usdt=order_usdt),
        fired(a_listing(opens_at=NOW), standing, order_usdt=order_usdt),
    ):
        if isinstance(decision, Buy):
            assert 0 < decision.quote_qty <= max_trade
            assert committed + decision.quote_qty <= max_position


@steady
@given(listing=listings, now=times, mode=st.sampled_from(Mode))
def test_whatever_is_bought_is_fresh_tradable_and_allowed_live(listing: Listing, now: datetime, mode: Mode) -> None:
    decision = decided(listing, a_standing(mode=mode), None, now, quote_assets={"USDT"})

    if isinstance(decision, Buy):
        assert listing.tradable
        assert not listing.late
        assert listing.quote_asset == "USDT"
        assert mode is Mode.DRY_RUN or listing.source is not Source.TEST_INJECTION
    if isinstance(decision, WaitForOpening):
        assert decision.fire_at is not None
        assert listing.opens_at == decision.fire_at > now
