"""Words for the reason codes of refusals, and their origin. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple


class ReasonKind(StrEnum):
    """Origin of a refusal."""

    OURS = "ours"
    """Denied by our rules or limits: nothing was to be sent."""
    NOT_READY = "not_ready"
    """Trading was halted, or one of its conditions missing."""
    EXCHANGE = "exchange"
    """Rejected by the exchange, or there was no liquidity."""
    FAULT = "fault"
    """An error, here or in transit."""


class ReasonText(NamedTuple):
    """A sentence without its full stop, and the settings that limited the order."""

    sentence: str
    kind: ReasonKind
    limits: tuple[str, ...] = ()


REASONS: Final[Mapping[str, ReasonText]] = MappingProxyType(
    {
        "config_missing": ReasonText("the configuration has no row, so no limit is known", ReasonKind.NOT_READY),
        "halted": ReasonText("trading was halted", ReasonKind.NOT_READY),
        "not_live": ReasonText("only a dry run may buy it", ReasonKind.NOT_READY, ("auto_trade",)),
        "filtered": ReasonText("it is of a kind that is not traded", ReasonKind.OURS),
        "stale_listing": ReasonText("it was seen too late", ReasonKind.OURS, ("listing_age_seconds",)),
        "opening_too_far": ReasonText("it opens later than is waited for", ReasonKind.OURS),
        "relist": ReasonText("it was listed before, and relistings are not bought", ReasonKind.OURS),
        "quote_asset_not_traded": ReasonText("it is quoted in an asset that is not spent", ReasonKind.OURS),
        "limits_invalid": ReasonText(
            "the limits leave nothing to spend", ReasonKind.OURS, ("max_trade_usdt", "order_usdt")
        ),
        "max_position": ReasonText(
            "it would have taken what is held beyond the limit on all positions",
            ReasonKind.OURS,
            ("max_position_usdt",),
        ),
        "orders_per_minute": ReasonText("too many orders within a minute", ReasonKind.OURS, ("orders_per_minute",)),
        "orders_per_day": ReasonText("too many orders on this day", ReasonKind.OURS, ("orders_per_day",)),
        "daily_spend": ReasonText("the day's budget is spent", ReasonKind.OURS, ("daily_spend_usdt",)),
        "base_asset_held": ReasonText("the same coin is held or being bought already", ReasonKind.OURS),
        "unreconciled": ReasonText(
            "orders of an earlier run were not settled with the exchange yet", ReasonKind.NOT_READY
        ),
        "clock_uncertain": ReasonText(
            "the exchange's time was not known well enough to sign an order", ReasonKind.NOT_READY
        ),
        "no_price": ReasonText("nothing told what the coin costs, so the order could not be capped", ReasonKind.OURS),
        "rules_unknown": ReasonText("the exchange's rules for the symbol could not be learned", ReasonKind.OURS),
        "below_minimum": ReasonText(
            "the order was smaller than the exchange takes", ReasonKind.OURS, ("max_trade_usdt",)
        ),
        "above_maximum": ReasonText("the order was larger than the exchange takes", ReasonKind.OURS),
        "run_up": ReasonText("the price had run up too far already", ReasonKind.OURS),
        "spread": ReasonText("best bid and best ask were too far apart", ReasonKind.OURS),
        "depth": ReasonText("too little was on offer near the best price", ReasonKind.OURS),
        "opening_passed": ReasonText("its opening passed before the order could be sent", ReasonKind.OURS),
        "too_late": ReasonText("the sale could not be sent in its time; another follows", ReasonKind.FAULT),
        "mode_switched": ReasonText("trading was switched between dry-run and live while it waited", ReasonKind.OURS),
        "symbol_unknown": ReasonText("the exchange does not know the symbol", ReasonKind.EXCHANGE),
        "not_open": ReasonText("it did not open for as long as was asked", ReasonKind.EXCHANGE),
        "price_refused": ReasonText("the exchange would not take the price", ReasonKind.EXCHANGE),
        "size_refused": ReasonText("the exchange would not take the amount", ReasonKind.EXCHANGE),
        "insufficient_balance": ReasonText("the account does not hold enough", ReasonKind.EXCHANGE),
        "not_tradable_by_api": ReasonText("the exchange does not let the symbol be traded by API", ReasonKind.EXCHANGE),
        "type_refused": ReasonText("the exchange does not take this kind of order on the symbol", ReasonKind.EXCHANGE),
        "credentials_refused": ReasonText("the exchange does not accept the API keys", ReasonKind.EXCHANGE),
        "pair_refused": ReasonText("the exchange bars the account from this pair", ReasonKind.EXCHANGE),
        "risk_control": ReasonText("the exchange's risk control refused", ReasonKind.EXCHANGE),
        "malformed": ReasonText("the exchange did not understand the order", ReasonKind.FAULT),
        "order_test_rejected": ReasonText("the exchange checked the order and would not take it", ReasonKind.EXCHANGE),
        "refused": ReasonText("the exchange refused", ReasonKind.EXCHANGE),
        "too_many_requests": ReasonText("the exchange asked for quiet", ReasonKind.EXCHANGE),
        "internal_error": ReasonText("a fault of ours, before anything was sent", ReasonKind.FAULT),
        "no_liquidity": ReasonText("nobody was on the other side", ReasonKind.EXCHANGE),
        "not_filled": ReasonText("nothing was on offer at the order's price", ReasonKind.EXCHANGE),
        "exchange_unavailable": ReasonText("the exchange could not be reached", ReasonKind.FAULT),
        "outcome_unknown": ReasonText("the request may have arrived; it is being looked up", ReasonKind.FAULT),
        "fee_assumed": ReasonText(
            "the exchange does not show all trades; the highest fee was assumed", ReasonKind.EXCHANGE
        ),
        "unknown_status": ReasonText("it ended under a word that is not known here", ReasonKind.EXCHANGE),
        "settled_by_hand": ReasonText("an operator decided what became of it", ReasonKind.EXCHANGE),
        "appeared": ReasonText("it was given up, and appeared at the exchange after all", ReasonKind.FAULT),
        "unsettled": ReasonText("its outcome is not known for longer than that should take", ReasonKind.FAULT),
        "never_arrived": ReasonText("the order never arrived at the exchange", ReasonKind.FAULT),
        "interrupted": ReasonText("the executor ended while the paper order was open", ReasonKind.FAULT),
    }
)
"""Every code an error_reason may begin with."""

_UNKNOWN: Final = ReasonText("for a reason that this version has no words for", ReasonKind.EXCHANGE)


def reason_text(code: str) -> ReasonText:
    """Return the text of *code*."""
    return REASONS.get(code, _UNKNOWN)


def reason_sentence(error_reason: str | None) -> str | None:
    """Return *error_reason* as a sentence without its full stop, with its detail; None if there is none."""
    code, detail = code_of(error_reason)
    if not code:
        return None
    if code not in REASONS:
        detail = error_reason or ""
    return reason_text(code).sentence + (f" ({detail})" if detail else "")


def limits_of(error_reason: str | None) -> list[str]:
    """Return the names of the settings behind *error_reason*."""
    return list(reason_text(code_of(error_reason)[0]).limits)


def code_of(error_reason: str | None) -> tuple[str, str]:
    """Return the code and the detail of *error_reason*; empty if there is none."""
    code, _, detail = (error_reason or "").partition(":")
    return code.strip(), detail.strip()
