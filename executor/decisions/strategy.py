"""Strategy: buy a listing, wait for its opening, or refuse it; the amount to reserve, and the order of it. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from executor.decisions.freshness import (
    age_if_too_old,
    age_starts_at,
    fresh_until,
    is_from_the_future,
    is_of_unknown_age,
    opening_ahead,
)
from executor.decisions.limits import LimitUsage, exceeded_limit, limits_of, net_of_fee, order_size, reservation
from executor.model import ExitReason, Order, Position, Reason, Refusal, client_order_id
from executor.settings import ExecutorSettings
from shared.control.exit_policy import ENTRY_SLIPPAGE_PCT
from shared.events import AppliedConfig, Listing, Mode, Side, Source, TradingRules
from shared.mexc.symbols import SIDES_CLOSED

Unready = Callable[[], Refusal | None]
"""Returns why no live order could be sent now; None where one could."""
NOTHING: Final = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class TradeConfig:
    """The trade_config row, and the halt in force."""

    limits: AppliedConfig
    halted: str = ""
    """The cause of the halt and its reason; empty without a halt."""


@dataclass(frozen=True, slots=True)
class TradingState:
    """Configuration, limit usage and holdings of one mode, read in the transaction of the decision."""

    config: TradeConfig | None
    mode: Mode
    usage: LimitUsage
    base_held: bool
    """The coin is held or being bought already, through another listing."""


@dataclass(frozen=True, slots=True)
class Buy:
    quote_qty: Decimal
    """To be reserved, and spent at most: fee included, in whole cents."""


@dataclass(frozen=True, slots=True)
class WaitForOpening:
    """Wait for the opening, and decide again then."""

    fire_at: datetime | None
    """None while it is unknown."""


def decide(
    listing: Listing, state: TradingState, unready: Refusal | None, settings: ExecutorSettings, now: datetime
) -> Buy | WaitForOpening | Refusal:
    """Return the decision on a *listing* that was just announced.

    *unready* is the reason why this process can send no live order now, which says nothing of another.
    """
    opening = opening_ahead(listing, settings, now)
    # One that waits is judged by its age when it is sent: by then the time is known.
    is_time_known = state.mode is not Mode.LIVE or unready is None or unready.reason is not Reason.CLOCK_UNCERTAIN
    objection = (
        _forbidden(listing, state, now)
        or _unwanted(listing, settings)
        or _untimely(listing, opening, settings, now, is_time_known=is_time_known)
    )
    if objection is not None:
        return objection
    if opening is not None or (listing.opens_at is None and _is_closed(listing.rules)):
        return WaitForOpening(opening)
    if unready is not None and state.mode is Mode.LIVE:
        # It is due: another executor fires it, or this one once it is ready, while the listing is fresh.
        return WaitForOpening(age_starts_at(listing))
    return _buy(state, unready, settings, now)


def _is_closed(rules: TradingRules | None) -> bool:
    """Return whether the exchange takes no purchase yet: many symbols are shown hours before they open.

    Once a stated opening has come that shows nothing, as *rules* may be from before it, and no source would say more.
    """
    return rules is not None and (rules.api_allowed is False or rules.trade_side_type in SIDES_CLOSED[Side.BUY])


def decide_at_opening(
    listing: Listing, state: TradingState, unready: Refusal | None, settings: ExecutorSettings, now: datetime
) -> Buy | Refusal:
    """Return the decision on a *listing* whose opening was waited for, and has come.

    Its rules were read before the opening, so they do not show whether the exchange takes a purchase now.
    """
    objection = _forbidden(listing, state, now) or _unwanted(listing, settings)
    if objection is None and (age := age_if_too_old(listing, settings, now)) is not None:
        hindered = f"; {unready}" if unready is not None and state.mode is Mode.LIVE else ""
        objection = Refusal(Reason.OPENING_PASSED, f"{age.total_seconds():.1f} s ago{hindered}")
    return _buy(state, unready, settings, now) if objection is None else objection


def is_timely(listing: Listing, settings: ExecutorSettings, now: datetime) -> bool:
    """Return whether the opening of *listing* is known, and is one to wait for or has just come."""
    opening = opening_ahead(listing, settings, now)
    return listing.opens_at is not None and _untimely(listing, opening, settings, now) is None


def may_trade_live(config: AppliedConfig, now: datetime) -> bool:
    """Return whether orders may cost money at *now*: auto_trade is on and has not expired."""
    return config.auto_trade and (config.auto_trade_until is None or now < config.auto_trade_until)


def _forbidden(listing: Listing, state: TradingState, now: datetime) -> Refusal | None:
    """Return the refusal of every purchase, or of this one with real money."""
    if state.config is None:
        return Refusal(Reason.CONFIG_MISSING)
    if state.config.halted:
        return Refusal(Reason.HALTED, state.config.halted)
    if state.mode is not Mode.LIVE:
        return None
    if listing.source is Source.TEST_INJECTION:
        return Refusal(Reason.NOT_LIVE, "a test injection")
    if not may_trade_live(state.config.limits, now):
        return Refusal(Reason.NOT_LIVE, "auto_trade is off")
    return None


def _unwanted(listing: Listing, settings: ExecutorSettings) -> Refusal | None:
    """Return the refusal of a listing that is not bought, whenever it opens."""
    if not listing.tradable:
        return Refusal(Reason.FILTERED, listing.not_tradable_reason)
    if listing.occurrence > 1 and not settings.trade_relist:
        return Refusal(Reason.RELIST)
    if listing.quote_asset not in settings.quote_assets:
        return Refusal(Reason.QUOTE_ASSET_NOT_TRADED, listing.quote_asset)
    return None


def _untimely(
    listing: Listing,
    opening: datetime | None,
    settings: ExecutorSettings,
    now: datetime,
    *,
    is_time_known: bool = True,
) -> Refusal | None:
    if is_time_known and is_from_the_future(listing, now):
        return Refusal(Reason.STALE_LISTING, "it is from the future")
    if opening is not None:
        too_far = opening - now > timedelta(hours=settings.opening_horizon_hours)
        return Refusal(Reason.OPENING_TOO_FAR, opening.isoformat()) if too_far else None
    if is_of_unknown_age(listing):
        return Refusal(Reason.STALE_LISTING, "it appeared while no source watched")
    age = age_if_too_old(listing, settings, now) if is_time_known else None
    return None if age is None else Refusal(Reason.STALE_LISTING, f"{age.total_seconds():.1f} s old")


def _buy(state: TradingState, unready: Refusal | None, settings: ExecutorSettings, now: datetime) -> Buy | Refusal:
    """Return the purchase that the limits leave for a listing that is to be bought now."""
    assert state.config is not None
    if unready is not None and state.mode is Mode.LIVE:
        return unready
    if state.base_held:
        return Refusal(Reason.BASE_ASSET_HELD)
    applied = state.config.limits
    size = order_size(settings.order_usdt, applied.max_trade_usdt)
    if size is None or not net_of_fee(size, settings.taker_fee):
        return Refusal(Reason.LIMITS_INVALID)
    limits = limits_of(applied, settings)
    reason = exceeded_limit(size, state.usage, limits, now)
    if reason is not None:
        return Refusal(reason)
    if settings.entry == "market":  # It spends its size at any price.
        return Buy(size)
    slippage_pct = ENTRY_SLIPPAGE_PCT if applied.entry_slippage_pct is None else applied.entry_slippage_pct
    return Buy(reservation(size, slippage_pct, applied.max_trade_usdt, state.usage, limits))


def purchase_order(
    listing: Listing, state: TradingState, quote_qty: Decimal, settings: ExecutorSettings, now: datetime
) -> Order:
    """Return the order that buys *listing* for *quote_qty* at most."""
    return Order(
        listing=listing,
        mode=state.mode,
        side=Side.BUY,
        sequence=1,
        client_order_id=client_order_id(listing.key, state.mode, Side.BUY),
        quote_qty=quote_qty,
        config=_no_limits(now) if state.config is None else state.config.limits,
        decided_at=now,
        send_until=send_until(listing, now, settings),
    )


def sale_order(
    position: Position, base_qty: Decimal, reason: ExitReason, settings: ExecutorSettings, now: datetime
) -> Order:
    """Return the order that sells *base_qty* of *position*."""
    sequence = position.sales + 1
    return Order(
        listing=position.listing,
        mode=position.mode,
        side=Side.SELL,
        sequence=sequence,
        client_order_id=client_order_id(position.listing.key, position.mode, Side.SELL, sequence),
        quote_qty=NOTHING,
        config=_no_limits(now),
        decided_at=now,
        send_until=now + timedelta(seconds=settings.sale_seconds),
        base_qty=base_qty,
        exit_reason=reason,
    )


def send_until(listing: Listing, begins_at: datetime, settings: ExecutorSettings) -> datetime:
    """Return the send deadline of an order that may be sent from *begins_at* on, while *listing* is fresh."""
    return min(begins_at + sending_time(settings), fresh_until(listing, settings))


def sending_time(settings: ExecutorSettings) -> timedelta:
    """Return the time within which an order may be sent."""
    return timedelta(seconds=max(settings.retry_seconds, settings.exchange_timeout_seconds))


def _no_limits(now: datetime) -> AppliedConfig:
    """Return the configuration of sales, and of purchases without one: nothing may be spent."""
    return AppliedConfig(max_trade_usdt=NOTHING, max_position_usdt=NOTHING, auto_trade=False, updated_at=now)
