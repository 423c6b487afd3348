"""Whether to buy a listing, when, and for how much."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from executor.decisions.freshness import is_from_the_future, is_of_unknown_age, opening_ahead, overdue
from executor.decisions.limits import Committed, Limits, exceeded, net_of_fee, order_size, reservation
from executor.model.reasons import Reason, Refusal
from executor.settings import ExecutorSettings
from shared.control.exit_policy import ENTRY_SLIPPAGE_PCT
from shared.events import AppliedConfig, Listing, Mode, Side, Source

SIDES_CLOSED: Final[Mapping[Side, frozenset[int]]] = MappingProxyType(
    {Side.BUY: frozenset({3, 4}), Side.SELL: frozenset({2, 4})}
)
"""Trade side types under which no order of that side is taken: sell only or buy only, and closed."""


Unready = Callable[[], Refusal | None]
"""Returns why no live order could be sent now; None where one could."""


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
    """To be reserved, and spent at most: fee included, in whole cents."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Wait for the opening, and decide again then."""

    fire_at: datetime | None
    """None while nobody knows it."""


def decide(
    listing: Listing, standing: Standing, unready: Refusal | None, settings: ExecutorSettings, now: datetime
) -> Buy | Arm | Refusal:
    """Return what to do about a *listing* that was just announced; *unready* is what stands against any live order."""
    opening = opening_ahead(listing, settings, now)
    objection = (
        _forbidden(listing, standing, now) or _unwanted(listing, settings) or _untimely(listing, opening, settings, now)
    )
    if objection is not None:
        return objection
    if opening is not None or _is_closed_to_us(listing):
        return Arm(opening)
    return _sized(standing, unready, settings, now)


def decide_firing(
    listing: Listing, standing: Standing, unready: Refusal | None, settings: ExecutorSettings, now: datetime
) -> Buy | Refusal:
    """Return what to do about a *listing* that was waited for, now that its moment has come.

    Its rules were read before the opening, so whether they let us in now only the exchange can tell.
    """
    objection = _forbidden(listing, standing, now) or _unwanted(listing, settings) or _passed(listing, settings, now)
    return _sized(standing, unready, settings, now) if objection is None else objection


def may_trade_live(config: AppliedConfig, now: datetime) -> bool:
    """Return whether orders may cost money at *now*: auto_trade is on, and did not end by itself."""
    return config.auto_trade and (config.auto_trade_until is None or now < config.auto_trade_until)


def _forbidden(listing: Listing, standing: Standing, now: datetime) -> Refusal | None:
    """Return why nothing at all may be bought, or not this with real money."""
    if standing.config is None:
        return Refusal(Reason.CONFIG_MISSING)
    if standing.config.halted:
        return Refusal(Reason.HALTED, standing.config.halted)
    if standing.mode is not Mode.LIVE:
        return None
    if listing.source is Source.TEST_INJECTION:
        return Refusal(Reason.NOT_LIVE, "a test injection")
    if not may_trade_live(standing.config.limits, now):
        return Refusal(Reason.NOT_LIVE, "auto_trade is off")
    return None


def _unwanted(listing: Listing, settings: ExecutorSettings) -> Refusal | None:
    """Return why this is nothing we buy, whenever it opens."""
    if not listing.tradable:
        return Refusal(Reason.FILTERED, listing.not_tradable_reason)
    if listing.occurrence > 1 and not settings.trade_relist:
        return Refusal(Reason.RELIST)
    if listing.quote_asset not in settings.quote_assets:
        return Refusal(Reason.QUOTE_ASSET_NOT_TRADED, listing.quote_asset)
    return None


def _is_closed_to_us(listing: Listing) -> bool:
    """Tell whether the exchange would take no purchase, yet: many symbols are shown hours before they open."""
    rules = listing.rules
    return rules is not None and (rules.api_allowed is False or rules.trade_side_type in SIDES_CLOSED[Side.BUY])


def _untimely(listing: Listing, opening: datetime | None, settings: ExecutorSettings, now: datetime) -> Refusal | None:
    if is_from_the_future(listing, now):
        return Refusal(Reason.STALE_LISTING, "it is from the future")
    if opening is not None:
        too_far = opening - now > timedelta(hours=settings.opening_horizon_hours)
        return Refusal(Reason.OPENING_TOO_FAR, opening.isoformat()) if too_far else None
    if is_of_unknown_age(listing):
        return Refusal(Reason.STALE_LISTING, "it appeared while nobody watched")
    age = overdue(listing, settings, now)
    return None if age is None else Refusal(Reason.STALE_LISTING, f"{age.total_seconds():.1f} s old")


def _passed(listing: Listing, settings: ExecutorSettings, now: datetime) -> Refusal | None:
    late = overdue(listing, settings, now)
    return None if late is None else Refusal(Reason.OPENING_PASSED, f"{late.total_seconds():.1f} s ago")


def _sized(standing: Standing, unready: Refusal | None, settings: ExecutorSettings, now: datetime) -> Buy | Refusal:
    """Return what the limits leave for a listing that we want now."""
    assert standing.config is not None
    if unready is not None and standing.mode is Mode.LIVE:
        return unready
    if standing.base_held:
        return Refusal(Reason.BASE_ASSET_HELD)
    applied = standing.config.limits
    size = order_size(settings.order_usdt, applied.max_trade_usdt)
    if size is None or not net_of_fee(size, settings.taker_fee):
        return Refusal(Reason.LIMITS_INVALID)
    limits = Limits(
        max_position_usdt=applied.max_position_usdt,
        orders_per_minute=settings.orders_per_minute,
        orders_per_day=settings.orders_per_day,
        daily_spend_usdt=settings.daily_spend_usdt,
    )
    reason = exceeded(size, standing.committed, limits, now)
    if reason is not None:
        return Refusal(reason)
    if settings.entry == "market":  # It spends its size, whatever the price.
        return Buy(size)
    slippage_pct = ENTRY_SLIPPAGE_PCT if applied.entry_slippage_pct is None else applied.entry_slippage_pct
    return Buy(reservation(size, slippage_pct, applied.max_trade_usdt, standing.committed, limits))
