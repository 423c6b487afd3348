"""Why a listing was not bought: stable codes, which people filter and alert by."""

from enum import StrEnum
from typing import Final

_DETAIL_CHARACTERS_MAX: Final = 200


class Reason(StrEnum):
    """The first word of a trade's error_reason; details may follow after a colon."""

    # Refused before anything was sent.
    CONFIG_MISSING = "config_missing"
    """There is no trade_config row, so no limit is known."""
    HALTED = "halted"
    """An operator halted trading."""
    FILTERED = "filtered"
    """The listing is of a kind we do not trade; its not_tradable_reason says which."""
    STALE_LISTING = "stale_listing"
    """The listing is too old, appeared while nobody watched, or its times cannot be right."""
    NOT_OPEN_YET = "not_open_yet"
    """The listing names an opening time that is still to come."""
    QUOTE_ASSET_NOT_TRADED = "quote_asset_not_traded"
    """The pair is quoted in an asset we do not spend."""
    LIMITS_INVALID = "limits_invalid"
    """The limits leave no positive amount to spend."""
    MAX_POSITION = "max_position"
    """The order would take what is reserved and filled beyond max_position_usdt."""

    # What came of an order instead of a fill.
    CLOCK_UNCERTAIN = "clock_uncertain"
    """The exchange's time is not known well enough to sign the order; why follows."""
    NO_LIQUIDITY = "no_liquidity"
    """Nobody offers anything that could be bought."""
    ORDER_TEST_REJECTED = "order_test_rejected"
    """The exchange checked the order and would not take it; its code and message follow."""
    SYMBOL_UNKNOWN = "symbol_unknown"
    """The exchange does not know the symbol."""
    INTERRUPTED = "interrupted"
    """The executor ended while the order was open, and its moment passed before another could take over."""
    EXCHANGE_UNAVAILABLE = "exchange_unavailable"
    """The exchange gave no usable answer in time; what happened follows."""


def worded(reason: Reason, detail: str) -> str:
    """Return *reason* with a detail from outside, cut to one short printable line."""
    printable = "".join(character for character in detail if character.isprintable())
    return f"{reason}: {printable[:_DETAIL_CHARACTERS_MAX]}"
