"""Any event there can be, for Hypothesis."""

import string
from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as st

from shared.events import (
    AppliedConfig,
    Event,
    Health,
    HealthStatus,
    Listing,
    ListingRescheduled,
    Mode,
    RawListing,
    Side,
    Source,
    Stages,
    Trade,
    TradeStatus,
    TradingRules,
)
from shared.events.fields import is_symbol

steady = settings(derandomize=True)
"""The same examples in every run, however busy the machine."""

ids = st.text(min_size=1, max_size=40)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_letters = st.one_of(
    st.sampled_from(string.ascii_letters + string.digits + "_"),
    st.characters(categories=["Lu", "Ll", "Lm", "Lo", "Nd"]),
)
symbols = st.text(_letters, min_size=3, max_size=20).filter(is_symbol)
money = st.decimals(0, 10**9, places=2)
maybe_times = st.none() | times
amounts = st.decimals(-(10**9), 10**9, places=8).map(lambda amount: amount.scaleb(-4))
prices = st.decimals(1, 10**9, places=8).map(lambda price: price.scaleb(-8))
trading_rules = st.builds(
    TradingRules,
    base_precision=st.none() | st.integers(0, 30),
    quote_precision=st.none() | st.integers(0, 30),
    base_quantity_min=st.none() | prices,
    quote_amount_min=st.none() | money,
    quote_amount_min_market=st.none() | money,
    quote_amount_max=st.none() | money,
    quote_amount_max_market=st.none() | money,
    api_allowed=st.none() | st.booleans(),
    trade_side_type=st.none() | st.integers(0, 9),
    base_quantity_max=st.none() | prices,
    base_quantity_step=st.none() | prices,
    price_min=st.none() | prices,
    price_max=st.none() | prices,
    price_step=st.none() | prices,
    price_up=st.none() | prices,
    price_down=st.none() | prices,
)

_sighting = {
    "id": ids,
    "symbol": symbols,
    "base_asset": st.text(max_size=20),
    "quote_asset": st.text(max_size=20),
    "source": st.sampled_from(Source),
    "listed_at": times,
    "opens_at": maybe_times,
    "observed_at": times,
    "published_at": times,
    "occurrence": st.integers(1, 1000),
    "late": st.booleans(),
    "tradable": st.booleans(),
    "not_tradable_reason": st.text(max_size=40),
    "price": st.none() | prices,
    "rules": st.none() | trading_rules,
}
_listing = _sighting | {"key": st.text(min_size=1, max_size=32), "deduplicated_at": times}
_config = st.builds(
    AppliedConfig,
    max_trade_usdt=money,
    max_position_usdt=money,
    auto_trade=st.booleans(),
    updated_at=times,
    auto_trade_until=maybe_times,
    entry_slippage_pct=st.none() | st.decimals(1, 1000, places=4),
)
_stages = st.builds(
    Stages,
    observed_at=times,
    published_at=times,
    deduplicated_at=times,
    decided_at=times,
    answered_at=maybe_times,
    due_at=maybe_times,
)

raw_listings = st.builds(RawListing, **_sighting)
listings = st.builds(Listing, **_listing)
reschedulings = st.builds(ListingRescheduled, **_listing)
trades = st.builds(
    Trade,
    id=ids,
    symbol=symbols,
    side=st.sampled_from(Side),
    quote_qty=money,
    reserved_qty=st.none() | money,
    base_qty=st.none() | st.decimals(0, 10**9, places=8),
    average_price=st.none() | amounts,
    fee=st.none() | amounts,
    fee_asset=st.none() | st.text(max_size=20),
    exit_reason=st.none() | st.text(max_size=40),
    latency_ms=st.integers(0, 10**6),
    ack_latency_ms=st.none() | st.integers(0, 10**6),
    fees=st.none() | st.dictionaries(st.sampled_from(["USDT", "ABC", "MX"]), st.decimals(0, 10**6, places=8)),
    mode=st.sampled_from(Mode),
    status=st.sampled_from(TradeStatus),
    error_reason=st.none() | st.text(max_size=100),
    exchange_order_id=st.none() | st.text(max_size=64),
    created_at=times,
    listing_key=st.text(min_size=1, max_size=32),
    client_order_id=st.text(min_size=1, max_size=32),
    listed_at=times,
    config=_config,
    stages=_stages,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
healths = st.builds(
    Health,
    id=ids,
    component=st.from_regex(r"[a-z][a-z0-9_-]{1,39}", fullmatch=True),
    status=st.sampled_from(HealthStatus),
    last_event_at=maybe_times,
    sent_at=times,
    detail=st.text(max_size=100),
    facts=st.dictionaries(st.text(max_size=10), json_values, max_size=3),
    process=st.text(max_size=16),
    last=st.booleans(),
)
events: st.SearchStrategy[Event] = st.one_of(raw_listings, listings, reschedulings, trades, healths)
