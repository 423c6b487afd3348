"""Codes of refusals in words that a person understands, and whose word each is. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple


class Kind(StrEnum):
    """Whose word a refusal is."""

    OURS = "ours"
    """We did not want it, or a limit of ours forbade it: nothing was to be sent."""
    NOT_READY = "not_ready"
    """Trading was halted, or a condition of it was missing."""
    EXCHANGE = "exchange"
    """The exchange refused, or there was nothing to be had."""
    FAULT = "fault"
    """Something went wrong, here or on the way."""


class Words(NamedTuple):
    """A sentence without its end, and which settings bound the order."""

    sentence: str
    kind: Kind
    limits: tuple[str, ...] = ()


REASONS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "config_missing": Words("the configuration has no row, so no limit is known", Kind.NOT_READY),
        "halted": Words("trading was halted", Kind.NOT_READY),
        "not_live": Words("only a dry run may buy it", Kind.NOT_READY, ("auto_trade",)),
        "filtered": Words("it is of a kind that is not traded", Kind.OURS),
        "stale_listing": Words("it was seen too late", Kind.OURS, ("listing_age_seconds",)),
        "opening_too_far": Words("it opens later than is waited for", Kind.OURS),
        "relist": Words("it was listed before, and relistings are not bought", Kind.OURS),
        "quote_asset_not_traded": Words("it is quoted in an asset that is not spent", Kind.OURS),
        "limits_invalid": Words("the limits leave nothing to spend", Kind.OURS, ("max_trade_usdt", "order_usdt")),
        "max_position": Words(
            "it would have taken what is held beyond the limit on all positions", Kind.OURS, ("max_position_usdt",)
        ),
        "orders_per_minute": Words("too many orders within a minute", Kind.OURS, ("orders_per_minute",)),
        "orders_per_day": Words("too many orders on this day", Kind.OURS, ("orders_per_day",)),
        "daily_spend": Words("the day's budget is spent", Kind.OURS, ("daily_spend_usdt",)),
        "base_asset_held": Words("the same coin is held or being bought already", Kind.OURS),
        "unreconciled": Words("orders of an earlier run were not settled with the exchange yet", Kind.NOT_READY),
        "clock_uncertain": Words("the exchange's time was not known well enough to sign an order", Kind.NOT_READY),
        "no_price": Words("nothing told what the coin costs, so the order could not be capped", Kind.OURS),
        "rules_unknown": Words("the exchange's rules for the symbol could not be learned", Kind.OURS),
        "below_minimum": Words("the order was smaller than the exchange takes", Kind.OURS, ("max_trade_usdt",)),
        "above_maximum": Words("the order was larger than the exchange takes", Kind.OURS),
        "run_up": Words("the price had run up too far already", Kind.OURS),
        "spread": Words("best bid and best ask were too far apart", Kind.OURS),
        "depth": Words("too little was on offer near the best price", Kind.OURS),
        "opening_passed": Words("its opening passed before the order could be sent", Kind.OURS),
        "too_late": Words("the sale could not be sent in its time; another follows", Kind.FAULT),
        "mode_switched": Words("trading was switched between dry-run and live while it waited", Kind.OURS),
        "symbol_unknown": Words("the exchange does not know the symbol", Kind.EXCHANGE),
        "not_open": Words("it did not open for as long as was asked", Kind.EXCHANGE),
        "price_refused": Words("the exchange would not take the price", Kind.EXCHANGE),
        "size_refused": Words("the exchange would not take the amount", Kind.EXCHANGE),
        "insufficient_balance": Words("the account does not hold enough", Kind.EXCHANGE),
        "not_tradable_by_api": Words("the exchange does not let the symbol be traded by API", Kind.EXCHANGE),
        "type_refused": Words("the exchange does not take this kind of order on the symbol", Kind.EXCHANGE),
        "credentials_refused": Words("the exchange does not accept the API keys", Kind.EXCHANGE),
        "pair_refused": Words("the exchange bars the account from this pair", Kind.EXCHANGE),
        "risk_control": Words("the exchange's risk control refused", Kind.EXCHANGE),
        "malformed": Words("the exchange did not understand the order", Kind.FAULT),
        "order_test_rejected": Words("the exchange checked the order and would not take it", Kind.EXCHANGE),
        "refused": Words("the exchange refused", Kind.EXCHANGE),
        "too_many_requests": Words("the exchange asked for quiet", Kind.EXCHANGE),
        "internal_error": Words("a fault of ours, before anything was sent", Kind.FAULT),
        "no_liquidity": Words("nobody was on the other side", Kind.EXCHANGE),
        "not_filled": Words("nothing was on offer at the order's price", Kind.EXCHANGE),
        "exchange_unavailable": Words("the exchange could not be reached", Kind.FAULT),
        "outcome_unknown": Words("the request may have arrived; it is being looked up", Kind.FAULT),
        "fee_assumed": Words("the exchange does not show all trades; the highest fee was assumed", Kind.EXCHANGE),
        "unknown_status": Words("it ended under a word that is not known here", Kind.EXCHANGE),
        "settled_by_hand": Words("an operator decided what became of it", Kind.EXCHANGE),
        "appeared": Words("it was given up, and appeared at the exchange after all", Kind.FAULT),
        "unsettled": Words("its outcome is not known for longer than that should take", Kind.FAULT),
        "never_arrived": Words("the order never arrived at the exchange", Kind.FAULT),
        "interrupted": Words("the executor ended while the paper order was open", Kind.FAULT),
    }
)
"""Every code that an error_reason may begin with."""

_UNKNOWN: Final = Words("for a reason that this version has no words for", Kind.EXCHANGE)


def words_of(code: str) -> Words:
    """Return what *code* means."""
    return REASONS.get(code, _UNKNOWN)


def told(error_reason: str | None) -> str | None:
    """Return *error_reason* as a sentence without its end, with its detail; None where there is none."""
    code, detail = code_of(error_reason)
    if not code:
        return None
    if code not in REASONS:
        detail = error_reason or ""
    return words_of(code).sentence + (f" ({detail})" if detail else "")


def limits_of(error_reason: str | None) -> list[str]:
    """Return the names of the settings that *error_reason* is about."""
    return list(words_of(code_of(error_reason)[0]).limits)


def code_of(error_reason: str | None) -> tuple[str, str]:
    """Return the code that *error_reason* begins with, and the detail behind it; empty where there is none."""
    code, _, detail = (error_reason or "").partition(":")
    return code.strip(), detail.strip()
