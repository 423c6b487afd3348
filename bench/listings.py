"""Listings as published by dedup, for the benchmarks of the executor alone."""

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


class ListingDetails(Enum):
    """Details included in a listing."""

    ALL = "price and rules"
    PRICE = "price"
    """As for one shown by a ticker before any list."""
    NOTHING = "nothing"


def new_listing(base_asset: str, *, details: ListingDetails, opens_at: datetime | None = None) -> Listing:
    """Return a current listing with these *details* of its symbol."""
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
        price=None if details is ListingDetails.NOTHING else PRICE,
        rules=RULES if details is ListingDetails.ALL else None,
    )
