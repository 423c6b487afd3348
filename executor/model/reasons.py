"""Why a listing was not bought: stable codes, which people filter and alert by."""

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
    """An operator, a signal, a file or a breaker halted trading; who follows."""
    NOT_LIVE = "not_live"
    """Live only: auto_trade is off, or the listing is a test's, which never trades live."""
    FILTERED = "filtered"
    """The listing is of a kind we do not trade; its not_tradable_reason says which."""
    STALE_LISTING = "stale_listing"
    """It opened or, where no opening is known, was seen too long ago; it appeared while we did not watch; or its times
    cannot be right."""
    OPENING_TOO_FAR = "opening_too_far"
    """The listing opens later than we are willing to wait for."""
    RELIST = "relist"
    """The symbol was listed before, and relistings are not bought unless asked for."""
    QUOTE_ASSET_NOT_TRADED = "quote_asset_not_traded"
    """The pair is quoted in an asset we do not spend."""
    LIMITS_INVALID = "limits_invalid"
    """The limits leave no positive amount to spend."""
    MAX_POSITION = "max_position"
    """The order would take what is reserved and held beyond max_position_usdt."""
    ORDERS_PER_MINUTE = "orders_per_minute"
    """As many orders as are allowed were decided on in the last minute."""
    ORDERS_PER_DAY = "orders_per_day"
    """As many orders as are allowed were decided on this day (UTC)."""
    DAILY_SPEND = "daily_spend"
    """The order would take what was spent this day (UTC) beyond the limit."""
    BASE_ASSET_HELD = "base_asset_held"
    """The same coin is held or being bought already, against another quote asset."""
    UNRECONCILED = "unreconciled"
    """Live only: what an earlier run left open is not settled with the exchange yet."""
    CLOCK_UNCERTAIN = "clock_uncertain"
    """The exchange's time is not known well enough to sign an order; why follows."""
    NO_PRICE = "no_price"
    """Nothing tells what the coin costs, so no order can be capped."""
    RULES_UNKNOWN = "rules_unknown"
    """What the exchange demands of an order on the symbol could not be learned."""
    BELOW_MINIMUM = "below_minimum"
    """The order is smaller than the exchange takes; the least it takes follows."""
    ABOVE_MAXIMUM = "above_maximum"
    """The order is larger than the exchange takes."""
    RUN_UP = "run_up"
    """The price moved further since the first trade than we follow; how far follows."""
    SPREAD = "spread"
    """Best bid and ask are further apart than we accept."""
    DEPTH = "depth"
    """Less is offered near the best price than we want to see."""
    OPENING_PASSED = "opening_passed"
    """The order waited for an opening, and was not sent before the listing was as old as one may be; or no opening
    became known for as long as any is waited for."""

    TOO_LATE = "too_late"
    """A sale was not sent in its time: no line to the exchange was free, the limits left no room, or this machine was
    too busy. Another follows."""
    MODE_SWITCHED = "mode_switched"
    """Trading was switched between dry-run and live while the order waited; one of the other mode took its place."""

    # What the exchange said.
    SYMBOL_UNKNOWN = "symbol_unknown"
    """The exchange does not know the symbol."""
    NOT_OPEN = "not_open"
    """The symbol did not trade as long as we kept asking; the exchange's last word follows."""
    PRICE_REFUSED = "price_refused"
    """The price is beyond what the exchange allows, even after it was corrected."""
    SIZE_REFUSED = "size_refused"
    """The exchange would not take the amount; its words follow."""
    INSUFFICIENT_BALANCE = "insufficient_balance"
    """The account does not hold what the order needs."""
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
    """The exchange refused for a reason we know no word for; its code and message follow."""
    TOO_MANY_REQUESTS = "too_many_requests"
    """The exchange asks us to be quiet, for longer than the order could wait."""

    INTERNAL_ERROR = "internal_error"
    """A fault of ours, before anything was sent; the log has it whole."""

    # What came of an order that was sent.
    NO_LIQUIDITY = "no_liquidity"
    """Nobody offers anything that could be bought, or wants anything that could be sold."""
    NOT_FILLED = "not_filled"
    """The exchange took the order and cancelled it unfilled: nothing was on offer at its price."""
    EXCHANGE_UNAVAILABLE = "exchange_unavailable"
    """The request could not be sent; what happened follows."""
    OUTCOME_UNKNOWN = "outcome_unknown"
    """The request may have arrived; it is being looked up."""
    FEE_ASSUMED = "fee_assumed"
    """The exchange does not show all trades of the order: its own figures count, and the highest fee."""
    UNKNOWN_STATUS = "unknown_status"
    """It ended under a word that is not known here, which follows; its quantities and trades decided."""
    SETTLED_BY_HAND = "settled_by_hand"
    """An operator decided what became of it; who and why follow."""
    APPEARED = "appeared"
    """It was given up, and appeared at the exchange after all; purchases halt."""
    UNSETTLED = "unsettled"
    """Its outcome is not known for longer than that should take; the obstacle follows."""
    NEVER_ARRIVED = "never_arrived"
    """Its outcome was unknown, and after all the time it could have taken the exchange does not know it."""
    INTERRUPTED = "interrupted"
    """The executor ended: a dry run that was open has failed; what found its symbol closed is tried by the next one."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order goes no further, or what is odd about how it ended: a stable code, and the details of the case."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return worded(self.reason, self.detail)


def worded(reason: Reason, detail: str) -> str:
    """Return *reason* with a detail from outside, cut to one short printable line; alone where there is none."""
    printable = "".join(character for character in detail if character.isprintable())[:_DETAIL_CHARACTERS_MAX]
    return f"{reason}: {printable}" if printable else str(reason)
