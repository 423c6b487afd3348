"""Listings as dedup announces them, for the benchmarks of the executor alone."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Final

from bench.exchange.market import PRICE
from shared.events import Listing, Source, TradingRules, utc_now

RULES: Final = TradingRules(
    base_precision=2,
    quote_precision=4,
    base_quantity_min=Decimal("0.01"),
    quote_amount_min=Decimal(1),
    quote_amount_max=Decimal(2_000_000),
    quote_amount_min_market=Decimal(1),
    quote_amount_max_market=Decimal(100_000),
)


class Told(Enum):
    """What a listing brings along."""

    ALL = "price and rules"
    PRICE = "price"
    """As one that a ticker shows before any list does."""
    NOTHING = "nothing"


def fresh(base_asset: str, *, told: Told, opens_at: datetime | None = None) -> Listing:
    """Return a listing of now that brings along what is *told* of its symbol."""
    symbol, now = f"{base_asset}USDT", utc_now()
    return Listing(
        id=f"{symbol}:1:detected",
        key=f"{symbol}:1",
        symbol=symbol,
        base_asset=base_asset,
        quote_asset="USDT",
        source=Source.MEXC_WEBSOCKET,
        listed_at=now,
        observed_at=now,
        published_at=now,
        deduplicated_at=now,
        opens_at=opens_at,
        price=None if told is Told.NOTHING else PRICE,
        rules=RULES if told is Told.ALL else None,
    )
