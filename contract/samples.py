"""Sample events of every type: one with all fields, one with the required ones."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from shared.events import (
    AppliedConfig,
    Event,
    Health,
    HealthStatus,
    Listing,
    ListingKey,
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

_NOON: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_OPENS: Final = _NOON + timedelta(hours=2)


def _after(milliseconds: int) -> datetime:
    return _NOON + timedelta(milliseconds=milliseconds)


_SIGHTING: Final[Mapping[str, Any]] = {
    "symbol": "ABCUSDT",
    "base_asset": "ABC",
    "quote_asset": "USDT",
    "source": Source.MEXC_WEBSOCKET,
    "listed_at": _NOON,
    "observed_at": _after(1),
    "published_at": _after(2),
}
_KNOWN: Final[Mapping[str, Any]] = {
    "opens_at": _OPENS,
    "occurrence": 2,
    "late": True,
    "tradable": False,
    "not_tradable_reason": "the pair refuses orders sent by API",
    "price": Decimal("0.0000123"),
    "rules": TradingRules(
        base_precision=2,
        quote_precision=6,
        base_quantity_min=Decimal("0.01"),
        quote_amount_min=Decimal(1),
        quote_amount_min_market=Decimal(1),
        quote_amount_max=Decimal(2_000_000),
        quote_amount_max_market=Decimal(100_000),
        api_allowed=False,
        trade_side_type=1,
        base_quantity_max=Decimal(10_000_000),
        base_quantity_step=Decimal("0.01"),
        price_min=Decimal("1E-12"),
        price_max=Decimal(100_000),
        price_step=Decimal("0.000001"),
        price_up=Decimal("1.2"),
        price_down=Decimal("0.8"),
        taker_fee=Decimal("0.0005"),
    ),
}
_DEDUPLICATED: Final[Mapping[str, Any]] = {"key": ListingKey("ABCUSDT:1"), "deduplicated_at": _after(4)}
_TRADE: Final[Mapping[str, Any]] = {
    "symbol": "ABCUSDT",
    "side": Side.BUY,
    "quote_qty": Decimal("100.00"),
    "latency_ms": 12,
    "mode": Mode.DRY_RUN,
    "created_at": _after(20),
    "listing_key": ListingKey("ABCUSDT:1"),
    "client_order_id": "snabc0123456789",
    "listed_at": _NOON,
    "config": AppliedConfig(
        max_trade_usdt=Decimal("100.00"), max_position_usdt=Decimal("1000.00"), auto_trade=True, updated_at=_NOON
    ),
}
_STAGES: Final[Mapping[str, Any]] = {
    "observed_at": _after(1),
    "published_at": _after(2),
    "deduplicated_at": _after(4),
    "decided_at": _after(8),
}

SAMPLES: Final[Mapping[str, Event]] = {
    "sniper.listing.raw.least": RawListing(id="raw-1", **_SIGHTING),
    "sniper.listing.raw.all": RawListing(id="raw-2", **_SIGHTING, **_KNOWN),
    "sniper.listing.detected.least": Listing(id="ABCUSDT:1:detected", **_SIGHTING, **_DEDUPLICATED),
    "sniper.listing.detected.all": Listing(id="ABCUSDT:1:detected", **_SIGHTING, **_KNOWN, **_DEDUPLICATED),
    "sniper.listing.rescheduled.all": ListingRescheduled(
        id="ABCUSDT:1:rescheduled:1772460000000", **_SIGHTING, **_KNOWN, **_DEDUPLICATED
    ),
    "sniper.trade.least": Trade(id="trade-1", **_TRADE, status=TradeStatus.PENDING, stages=Stages(**_STAGES)),
    "sniper.trade.all": Trade(
        id="trade-2",
        **_TRADE,
        status=TradeStatus.FILLED,
        stages=Stages(**_STAGES, answered_at=_after(20), due_at=_after(15)),
        reserved_qty=Decimal("105.00"),
        base_qty=Decimal("250.12345678"),
        average_price=Decimal("0.3998"),
        fee=Decimal("0.05"),
        fee_asset="USDT",
        fees={"USDT": Decimal("0.05"), "MX": Decimal("0.001")},
        exit_reason="take_profit",
        ack_latency_ms=12,
        error_reason="example",
        exchange_order_id="C02__1",
    ),
    "sniper.health.least": Health(id="health-1", component="executor", status=HealthStatus.RUNNING, sent_at=_after(0)),
    "sniper.health.all": Health(
        id="health-2",
        component="ingest",
        status=HealthStatus.DEGRADED,
        last_event_at=_NOON,
        sent_at=_after(5),
        detail="no frame for 12 s",
        facts={"symbols": 3000, "sources": {"mexc_rest_api": "fresh"}},
        process="5f3a9c21",
        last=True,
    ),
}
"""By type and completeness."""
