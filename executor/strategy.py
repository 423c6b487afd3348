"""Whether to buy a listing, when, and for how much."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from executor.limits import Committed, Limits, exceeded, net_of_fee, order_size
from executor.reasons import Reason
from executor.settings import ExecutorSettings
from shared.events import CLOCK_TOLERANCE, AppliedConfig, Listing, Mode, Source

_NO_BUYING: Final = frozenset({3, 4})
"""Trade side types: sell only, and closed."""
_PUNCTUAL: Final = timedelta(seconds=1)
"""What no opening is missed by, however little tolerance is set."""


@dataclass(frozen=True, slots=True)
class TradeConfig:
    """The trade_config row, and what halts trading."""

    limits: AppliedConfig
    halted: str = ""
    """Who or what halted, and why; empty where nothing does."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one mode stands, all of it read in the transaction of the decision."""

    config: TradeConfig | None
    mode: Mode
    committed: Committed
    base_held: bool
    """Whether the coin is held or being bought already, through another listing."""


@dataclass(frozen=True, slots=True)
class Buy:
    quote_qty: Decimal
    """To be spent at most, fee included, in whole cents."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Wait for the opening, and decide again then."""

    fire_at: datetime | None
    """None while nobody knows it."""


@dataclass(frozen=True, slots=True)
class Refuse:
    reason: Reason
    detail: str = ""


def decide(
    listing: Listing, standing: Standing, unready: Refuse | None, settings: ExecutorSettings, now: datetime
) -> Buy | Arm | Refuse:
    """Return what to do about a *listing* that was just announced; *unready* is what stands against any live order."""
    opening = _opening(listing, settings, now)
    objection = (
        _forbidden(listing, standing) or _unwanted(listing, settings) or _untimely(listing, opening, settings, now)
    )
    if objection is not None:
        return objection
    if opening is not None or _is_closed_to_us(listing):
        return Arm(opening)
    return _sized(standing, unready, settings, now)


def decide_firing(
    listing: Listing, standing: Standing, unready: Refuse | None, settings: ExecutorSettings, now: datetime
) -> Buy | Refuse:
    """Return what to do about a *listing* that was waited for, now that its moment has come.

    Its rules were read before the opening, so whether they let us in now only the exchange can tell.
    """
    objection = _forbidden(listing, standing) or _unwanted(listing, settings) or _passed(listing, settings, now)
    return _sized(standing, unready, settings, now) if objection is None else objection


def _opening(listing: Listing, settings: ExecutorSettings, now: datetime) -> datetime | None:
    """Return when *listing* opens; None where it has opened, or as good as."""
    if listing.opens_at is None or listing.opens_at - now <= timedelta(seconds=settings.opening_tolerance_seconds):
        return None
    return listing.opens_at


def _forbidden(listing: Listing, standing: Standing) -> Refuse | None:
    """Return why nothing at all may be bought, or not this with real money."""
    if standing.config is None:
        return Refuse(Reason.CONFIG_MISSING)
    if standing.config.halted:
        return Refuse(Reason.HALTED, standing.config.halted)
    if standing.mode is not Mode.LIVE:
        return None
    if listing.source is Source.TEST_INJECTION:
        return Refuse(Reason.NOT_LIVE, "a test injection")
    if not standing.config.limits.auto_trade:
        return Refuse(Reason.NOT_LIVE, "auto_trade is off")
    return None


def _unwanted(listing: Listing, settings: ExecutorSettings) -> Refuse | None:
    """Return why this is nothing we buy, whenever it opens."""
    if not listing.tradable:
        return Refuse(Reason.FILTERED, listing.not_tradable_reason)
    if listing.occurrence > 1 and not settings.trade_relist:
        return Refuse(Reason.RELIST)
    if listing.quote_asset not in settings.quote_assets:
        return Refuse(Reason.QUOTE_ASSET_NOT_TRADED, listing.quote_asset)
    return None


def _is_closed_to_us(listing: Listing) -> bool:
    """Tell whether the exchange would take no purchase, yet: many symbols are shown hours before they open."""
    rules = listing.rules
    return rules is not None and (rules.api_allowed is False or rules.trade_side_type in _NO_BUYING)


def _untimely(listing: Listing, opening: datetime | None, settings: ExecutorSettings, now: datetime) -> Refuse | None:
    seen_at = min(listing.listed_at, listing.observed_at)
    # Times ahead of ours by more than clocks differ leave the age unknown, and unknown means no order.
    if seen_at - now > CLOCK_TOLERANCE:
        return Refuse(Reason.STALE_LISTING, "it is from the future")
    if opening is not None:
        too_far = opening - now > timedelta(hours=settings.opening_horizon_hours)
        return Refuse(Reason.OPENING_TOO_FAR, opening.isoformat()) if too_far else None
    if listing.late:
        return Refuse(Reason.STALE_LISTING, "it appeared while nobody watched")
    age = now - fresh_since(listing)
    if age > timedelta(seconds=settings.listing_age_seconds):
        return Refuse(Reason.STALE_LISTING, f"{age.total_seconds():.1f} s old")
    return None


def fresh_since(listing: Listing) -> datetime:
    """Return from when on *listing* ages: when it was first seen, or when it opened if that was later."""
    seen_at = min(listing.listed_at, listing.observed_at)
    return max(seen_at, listing.opens_at or seen_at)


def _passed(listing: Listing, settings: ExecutorSettings, now: datetime) -> Refuse | None:
    if listing.opens_at is None:
        return Refuse(Reason.OPENING_PASSED, "its moment is not known")
    late = now - listing.opens_at
    if late > max(_PUNCTUAL, timedelta(seconds=settings.opening_tolerance_seconds)):
        return Refuse(Reason.OPENING_PASSED, f"{late.total_seconds():.1f} s ago")
    return None


def _sized(standing: Standing, unready: Refuse | None, settings: ExecutorSettings, now: datetime) -> Buy | Refuse:
    """Return what the limits leave for a listing that we want now."""
    assert standing.config is not None
    if unready is not None and standing.mode is Mode.LIVE:
        return unready
    if standing.base_held:
        return Refuse(Reason.BASE_ASSET_HELD)
    applied = standing.config.limits
    size = order_size(settings.order_usdt, applied.max_trade_usdt)
    if size is None or not net_of_fee(size, settings.taker_fee):
        return Refuse(Reason.LIMITS_INVALID)
    limits = Limits(
        max_position_usdt=applied.max_position_usdt,
        orders_per_minute=settings.orders_per_minute,
        orders_per_day=settings.orders_per_day,
        daily_spend_usdt=settings.daily_spend_usdt,
    )
    reason = exceeded(size, standing.committed, limits, now)
    return Buy(size) if reason is None else Refuse(reason)
