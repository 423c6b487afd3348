"""Public contract: events on the broker. `shared.wire.cloudevents` encodes and decodes them.

Every event is a frozen model. Unknown fields are ignored on read, so that newer producers can be deployed before
their consumers.
"""

from shared.events.fields import (
    CLOCK_TOLERANCE,
    Event,
    HealthStatus,
    KnownSource,
    ListingKey,
    Mode,
    Price,
    Side,
    Source,
    Symbol,
    TradeStatus,
    Utc,
    never_after,
    refuse_future,
    utc_now,
)
from shared.events.health import Health
from shared.events.listings import Listing, ListingRescheduled, RawListing, TradingRules
from shared.events.trades import AppliedConfig, Stages, Trade

__all__ = [
    "CLOCK_TOLERANCE",
    "AppliedConfig",
    "Event",
    "Health",
    "HealthStatus",
    "KnownSource",
    "Listing",
    "ListingKey",
    "ListingRescheduled",
    "Mode",
    "Price",
    "RawListing",
    "Side",
    "Source",
    "Stages",
    "Symbol",
    "Trade",
    "TradeStatus",
    "TradingRules",
    "Utc",
    "never_after",
    "refuse_future",
    "utc_now",
]
