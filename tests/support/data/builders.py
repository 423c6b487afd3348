"""Events as a test needs them: valid as they are, with whatever matters to the test overridden."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from executor.decisions.limits import LimitUsage
from executor.model.order import Order
from shared.events import AppliedConfig, Health, HealthStatus, Listing, Mode, RawListing, Side, Source, Stages, Trade
from shared.mexc.symbols import SymbolInfo

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_SIGHTING = {
    "symbol": "ABCUSDT",
    "base_asset": "ABC",
    "quote_asset": "USDT",
    "source": Source.MEXC_WEBSOCKET,
    "listed_at": NOON,
    "observed_at": NOON + timedelta(milliseconds=1),
    "published_at": NOON + timedelta(milliseconds=2),
}


def a_raw_listing(**overrides: Any) -> RawListing:
    """ABCUSDT, seen by the websocket a millisecond after noon; each one with an id of its own."""
    return RawListing.model_validate(_SIGHTING | {"id": uuid.uuid4().hex} | overrides)


def a_listing(**overrides: Any) -> Listing:
    """The listing of ABCUSDT; its key and id follow its symbol and occurrence."""
    key = f"{overrides.get('symbol', 'ABCUSDT')}:{overrides.get('occurrence', 1)}"
    derived = {"id": f"{key}:detected", "key": key, "deduplicated_at": NOON + timedelta(milliseconds=4)}
    return Listing.model_validate(_SIGHTING | derived | overrides)


def a_trade(**overrides: Any) -> Trade:
    """A dry-run buy of ABCUSDT for 100 USDT that was filled; each one with an order and an id of its own."""
    unique = uuid.uuid4().hex
    described = {
        "id": unique,
        "symbol": "ABCUSDT",
        "side": "BUY",
        "quote_qty": Decimal("100.00"),
        "base_qty": Decimal("250.12345678"),
        "latency_ms": 12,
        "mode": "dry-run",
        "status": "filled",
        "created_at": NOON + timedelta(milliseconds=20),
        "listing_key": "ABCUSDT:1",
        "client_order_id": f"sn{unique[:26]}",
        "listed_at": NOON,
        "config": AppliedConfig(
            max_trade_usdt=Decimal(100), max_position_usdt=Decimal(1000), auto_trade=True, updated_at=NOON
        ),
        "stages": Stages(
            observed_at=NOON + timedelta(milliseconds=1),
            published_at=NOON + timedelta(milliseconds=2),
            deduplicated_at=NOON + timedelta(milliseconds=4),
            decided_at=NOON + timedelta(milliseconds=8),
            answered_at=NOON + timedelta(milliseconds=20),
        ),
    }
    return Trade.model_validate(described | overrides)


def an_order(**overrides: Any) -> Order:
    """A dry-run order for 100 USDT of ABCUSDT, decided at noon."""
    described: dict[str, Any] = {
        "listing": a_listing(),
        "mode": Mode.DRY_RUN,
        "side": Side.BUY,
        "sequence": 1,
        "client_order_id": "snABC",
        "quote_qty": Decimal("100.00"),
        "config": an_applied_config(),
        "decided_at": NOON,
        "send_until": NOON + timedelta(minutes=1),
    }
    return Order(**described | overrides)


def an_applied_config(**overrides: Any) -> AppliedConfig:
    """100 USDT for an order and 1000 for all of them, dry-run."""
    described = {
        "max_trade_usdt": Decimal("100.00"),
        "max_position_usdt": Decimal("1000.00"),
        "auto_trade": False,
        "updated_at": NOON,
    }
    return AppliedConfig.model_validate(described | overrides)


def a_committed(**overrides: Any) -> LimitUsage:
    """Nothing at stake, and nothing done today."""
    described: dict[str, Any] = {
        "committed_usdt": Decimal(0),
        "recent_orders": (),
        "day_orders": 0,
        "day_spent_usdt": Decimal(0),
    }
    return LimitUsage(**described | overrides)


def a_health(**overrides: Any) -> Health:
    """The executor, running at noon; each one with an id of its own."""
    described = {
        "id": uuid.uuid4().hex,
        "component": "executor",
        "status": HealthStatus.RUNNING,
        "last_event_at": NOON - timedelta(seconds=1),
        "sent_at": NOON,
    }
    return Health.model_validate(described | overrides)


def a_symbol_info(symbol: str = "ABCUSDT", **overrides: Any) -> SymbolInfo:
    """A USDT pair as exchangeInfo describes it: online, open to the API, its opening time unknown."""
    described: dict[str, Any] = {
        "symbol": symbol,
        "base_asset": symbol.removesuffix("USDT"),
        "quote_asset": "USDT",
        "status": "1",
        "api_allowed": True,
        "trade_side_type": 1,
        "first_open_time": None,
        "base_precision": 2,
        "quote_precision": 6,
        "base_quantity_min": Decimal("0.01"),
        "quote_amount_min": Decimal(1),
        "quote_amount_min_market": Decimal(1),
        "quote_amount_max": Decimal(2_000_000),
        "quote_amount_max_market": Decimal(100_000),
    }
    return SymbolInfo(**described | overrides)
