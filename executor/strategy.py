"""Whether to buy a listing, and for how much."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from executor.limits import fits, net_of_fee, order_size
from executor.reasons import Reason
from executor.settings import ExecutorSettings
from shared.events import CLOCK_TOLERANCE, AppliedConfig, Listing


@dataclass(frozen=True, slots=True)
class TradeConfig:
    """The trade_config row."""

    limits: AppliedConfig
    halted: bool


@dataclass(frozen=True, slots=True)
class Buy:
    quote_qty: Decimal
    """To be spent at most, fee included, in whole cents."""


@dataclass(frozen=True, slots=True)
class Refuse:
    reason: Reason


def decide(
    listing: Listing, config: TradeConfig | None, committed_usdt: Decimal, settings: ExecutorSettings, now: datetime
) -> Buy | Refuse:
    """Return what to do about *listing*, with *committed_usdt* already reserved or filled."""
    if config is None:
        return Refuse(Reason.CONFIG_MISSING)
    if config.halted:
        return Refuse(Reason.HALTED)
    objection = _objection(listing, settings, now)
    if objection is not None:
        return Refuse(objection)
    return _sized(config.limits, committed_usdt, settings)


def _objection(listing: Listing, settings: ExecutorSettings, now: datetime) -> Reason | None:
    if not listing.tradable:
        return Reason.FILTERED
    age = now - min(listing.listed_at, listing.observed_at)
    # Times ahead of ours by more than clocks differ leave the age unknown, and unknown means no order.
    if listing.late or not -CLOCK_TOLERANCE <= age <= timedelta(seconds=settings.listing_age_seconds):
        return Reason.STALE_LISTING
    tolerance = timedelta(seconds=settings.opening_tolerance_seconds)
    if listing.opens_at is not None and listing.opens_at > now + tolerance:
        return Reason.NOT_OPEN_YET
    if listing.quote_asset not in settings.quote_assets:
        return Reason.QUOTE_ASSET_NOT_TRADED
    return None


def _sized(limits: AppliedConfig, committed_usdt: Decimal, settings: ExecutorSettings) -> Buy | Refuse:
    size = order_size(settings.order_usdt, limits.max_trade_usdt)
    if size is None or not net_of_fee(size, settings.taker_fee):
        return Refuse(Reason.LIMITS_INVALID)
    if not fits(size, committed_usdt, limits.max_position_usdt):
        return Refuse(Reason.MAX_POSITION)
    return Buy(size)
