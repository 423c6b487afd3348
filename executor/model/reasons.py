"""Reasons of refusals and outcomes: stable codes, to filter and alert by. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_DETAIL_CHARACTERS_MAX: Final = 200


class Reason(StrEnum):
    """The first word of a trade's error_reason; details may follow after a colon."""

    # Decided before anything was sent.
    CONFIG_MISSING = "config_missing"
    """There is no trade_config row, so no limit is known."""
    HALTED = "halted"
    """An operator, a signal, a file or a breaker halted trading; the cause follows."""
    NOT_LIVE = "not_live"
    """Live only: auto_trade is off, or the listing is a test's, which never trades live."""
    FILTERED = "filtered"
    """The listing is of a kind we do not trade, named by its not_tradable_reason."""
    STALE_LISTING = "stale_listing"
    """It opened or, where no opening is known, was seen too long ago; it appeared while we did not watch; or its times
    cannot be right."""
    OPENING_TOO_FAR = "opening_too_far"
    """The listing opens beyond the horizon up to which we wait."""
    RELIST = "relist"
    """The symbol was listed before, and relistings are not bought unless asked for."""
    QUOTE_ASSET_NOT_TRADED = "quote_asset_not_traded"
    """The pair is quoted in an asset we do not spend."""
    LIMITS_INVALID = "limits_invalid"
    """The limits leave no positive amount to spend."""
    MAX_POSITION = "max_position"
    """The order would raise the exposure beyond max_position_usdt."""
    ORDERS_PER_MINUTE = "orders_per_minute"
    """The orders decided on in the last minute have reached the limit."""
    ORDERS_PER_DAY = "orders_per_day"
    """The orders decided on this day (UTC) have reached the limit."""
    DAILY_SPEND = "daily_spend"
    """The order would raise the spending of this day (UTC) beyond the limit."""
    BASE_ASSET_HELD = "base_asset_held"
    """The same coin is held or being bought already, against another quote asset."""
    UNRECONCILED = "unreconciled"
    """Live only, in the details of opening_passed: the orders of an earlier run were not settled with the exchange."""
    CLOCK_UNCERTAIN = "clock_uncertain"
    """The exchange's time is too uncertain to sign an order; the cause follows."""
    NO_PRICE = "no_price"
    """The price of the coin is unknown, so no order can be capped."""
    RULES_UNKNOWN = "rules_unknown"
    """The exchange's rules of the symbol could not be read."""
    BELOW_MINIMUM = "below_minimum"
    """The order is smaller than the exchange takes; its minimum follows."""
    ABOVE_MAXIMUM = "above_maximum"
    """The order is larger than the exchange takes."""
    RUN_UP = "run_up"
    """The price rose further since the first trade than run_up_pct_max; the rise follows."""
    SPREAD = "spread"
    """Best bid and best ask are further apart than spread_pct_max; the spread follows."""
    DEPTH = "depth"
    """Less than depth_usdt_min is offered up to the highest price; the depth follows."""
    OPENING_PASSED = "opening_passed"
    """The order waited for an opening, or for an executor that was ready, and was not sent before the listing was as
    old as one may be; or no opening became known for as long as any is waited for. The cause follows."""

    TOO_LATE = "too_late"
    """A sale was not sent in its time: no connection to the exchange was free, the limits left no room, or this machine
    was too busy. Another follows."""
    MODE_SWITCHED = "mode_switched"
    """Trading was switched between dry-run and live while the order waited; one of the other mode took its place."""

    # Answers of the exchange.
    SYMBOL_UNKNOWN = "symbol_unknown"
    """The exchange does not know the symbol."""
    NOT_OPEN = "not_open"
    """The symbol did not trade as long as we retried; the exchange's last answer follows."""
    PRICE_REFUSED = "price_refused"
    """The price is outside the exchange's band, even after it was corrected."""
    SIZE_REFUSED = "size_refused"
    """The exchange would not take the amount; its message follows."""
    INSUFFICIENT_BALANCE = "insufficient_balance"
    """The account does not hold enough for the order."""
    NOT_TRADABLE_BY_API = "not_tradable_by_api"
    """The exchange does not let our account trade the symbol by API."""
    TYPE_REFUSED = "type_refused"
    """The exchange does not take this kind of order on the symbol."""
    CREDENTIALS_REFUSED = "credentials_refused"
    """The exchange does not accept our keys, or not for this; trading halts."""
    PAIR_REFUSED = "pair_refused"
    """The exchange bars our account from this pair; several pairs in a row halt trading."""
    RISK_CONTROL = "risk_control"
    """The exchange's own risk control refused."""
    MALFORMED = "malformed"
    """The exchange did not understand the order."""
    ORDER_TEST_REJECTED = "order_test_rejected"
    """Dry-run: the exchange checked the order and would not take it; its code and message follow."""
    REFUSED = "refused"
    """The exchange refused for a reason without a code here; its code and message follow."""
    TOO_MANY_REQUESTS = "too_many_requests"
    """The exchange limited our request rate, for longer than the order could wait."""

    INTERNAL_ERROR = "internal_error"
    """An error of ours, before anything was sent; the log has the details."""

    # Outcomes of an order that was sent.
    NO_LIQUIDITY = "no_liquidity"
    """The book has no asks to buy from, or no bids to sell to."""
    NOT_FILLED = "not_filled"
    """The exchange took the order and cancelled it unfilled: nothing was on offer at its price."""
    EXCHANGE_UNAVAILABLE = "exchange_unavailable"
    """The request could not be sent; the error follows."""
    OUTCOME_UNKNOWN = "outcome_unknown"
    """The request may have arrived; it is being looked up."""
    FEE_ASSUMED = "fee_assumed"
    """The exchange does not show all trades of the order: its own figures count, and the highest fee."""
    UNKNOWN_STATUS = "unknown_status"
    """It ended with an unknown status, which follows; its quantities and trades decided."""
    SETTLED_BY_HAND = "settled_by_hand"
    """An operator settled it; the name and the reason follow."""
    APPEARED = "appeared"
    """It was given up, and appeared at the exchange after all; purchases halt."""
    UNSETTLED = "unsettled"
    """Its outcome is unknown for longer than that should take; the obstacle follows."""
    NEVER_ARRIVED = "never_arrived"
    """Its outcome was unknown, and the exchange did not show it in all the time that it could have taken to arrive."""
    INTERRUPTED = "interrupted"
    """The executor ended: an open dry run has failed; an order whose symbol was closed is retried by the next one."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why an order goes no further or ended oddly: a stable code, with the details of the case."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return worded(self.reason, self.detail)


def worded(reason: Reason, detail: str) -> str:
    """Return *reason* with a detail from outside, cut to one short printable line; alone where there is none."""
    printable = "".join(character for character in detail if character.isprintable())[:_DETAIL_CHARACTERS_MAX]
    return f"{reason}: {printable}" if printable else str(reason)
