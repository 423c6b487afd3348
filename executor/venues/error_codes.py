"""The exchange's error codes: what each says about an order that was sent.

Each verdict but two proves that no order exists, because the exchange checks it before it takes one: keys, time,
symbol, price, amount, money, kind, limits and form. Throttled and Unanswered prove nothing, nor does a code that is
not here.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final, NamedTuple

from executor.model import (
    NotOpen,
    PriceRefused,
    Reason,
    Rejected,
    SendResult,
    Throttled,
    TimestampRefused,
    Unanswered,
    WrongSize,
)
from shared.mexc.retry_after import BANNED, LIMITED

_DIGITS: Final = 700008
_KEY_REQUIRED: Final = 400
_OF_DIGITS: Final = re.compile(r"\b(?:price|quantity|amount) (?:scale|precision)\b", re.IGNORECASE)
"""Words under which a missing key's code is given for digits: "quantity scale is invalid"."""
_R = Reason
_NUMBER: Final = r"((?:[0-9]{1,3}(?:,[0-9]{3}){1,6}|[0-9]{1,20})(?:\.[0-9]{1,30})?)"
"""Thousands may be grouped by commas; a comma before decimals would be another number, so it is not read."""
_MONEY: Final = r"\s*(?:USD|EUR|BRL)"
"""Of a quote asset, whatever follows: USDT, USDC, USD1 and so on. Of a coin the same number means something else."""
_COLON: Final = r"\s*:?\s*"
_AT_MOST: Final = re.compile(
    rf"(?:exceed|exceeds|(?:higher|greater|more|larger) than|above|at most|高于|超过|大于){_COLON}{_NUMBER}{_MONEY}",
    re.IGNORECASE,
)
_AT_LEAST: Final = re.compile(
    rf"(?:(?:less|lower|smaller) than|below|at least|低于|小于|少于){_COLON}{_NUMBER}{_MONEY}", re.IGNORECASE
)


class Said(NamedTuple):
    """The exchange's refusal in its own words."""

    detail: str
    """Code and message."""
    message: str = ""
    wait_seconds: float | None = None
    """The wait that it named."""
    banned: bool = False


class Code(NamedTuple):
    says: str
    """In the exchange's words, more or less."""
    verdict: Callable[[Said], SendResult]
    """Makes the verdict on an order that was refused so."""


def _rejected(reason: Reason, *, stop: bool = False) -> Callable[[Said], SendResult]:
    return lambda said: Rejected(reason, said.detail, stop=stop)


def _wrong_size(reason: Reason, *, of_digits: bool = False) -> Callable[[Said], SendResult]:
    return lambda said: WrongSize(reason, said.detail, at_least(said.message), of_digits=of_digits)


def _not_open(said: Said) -> SendResult:
    return NotOpen(said.detail)


def _timestamp_refused(said: Said) -> SendResult:
    return TimestampRefused(said.detail)


def _price_refused(said: Said) -> SendResult:
    return PriceRefused(said.detail, at_most(said.message), at_least(said.message))


def _throttled(said: Said) -> SendResult:
    return Throttled(said.detail, said.wait_seconds, banned=said.banned)


def _unanswered(said: Said) -> SendResult:
    return Unanswered(said.detail)


CODES: Final[Mapping[int, Code]] = MappingProxyType(
    {
        # Keys and account.
        400: Code("api key required", _rejected(_R.CREDENTIALS_REFUSED, stop=True)),
        401: Code("no authority", _rejected(_R.CREDENTIALS_REFUSED, stop=True)),
        402: Code("api key expired", _rejected(_R.CREDENTIALS_REFUSED, stop=True)),
        602: Code("signature verification failed", _rejected(_R.CREDENTIALS_REFUSED, stop=True)),
        10072: Code("api key info invalid", _rejected(_R.CREDENTIALS_REFUSED, stop=True)),
        700001: Code("api key format invalid", _rejected(_R.CREDENTIALS_REFUSED, stop=True)),
        700002: Code("signature not valid", _rejected(_R.CREDENTIALS_REFUSED, stop=True)),
        700006: Code("ip not in the white list", _rejected(_R.CREDENTIALS_REFUSED, stop=True)),
        700007: Code("no permission to access the endpoint", _rejected(_R.CREDENTIALS_REFUSED, stop=True)),
        10001: Code("user does not exist", _rejected(_R.CREDENTIALS_REFUSED, stop=True)),
        60005: Code("your account is abnormal", _rejected(_R.RISK_CONTROL, stop=True)),
        # One pair, which a key may be barred from; several in a row are the key or the account.
        26: Code("operation not allowed", _rejected(_R.PAIR_REFUSED)),
        70011: Code("pair user ban trade apikey", _rejected(_R.PAIR_REFUSED)),
        # Time.
        700003: Code("timestamp outside of the recvWindow", _timestamp_refused),
        10073: Code("invalid request time", _timestamp_refused),
        # Symbol. Before an opening these come and go, and MEXC does not say which comes when.
        -1121: Code("invalid symbol", _not_open),
        10007: Code("symbol not support api", _not_open),
        30000: Code("trading suspended for the symbol", _not_open),
        30001: Code("current trade direction not allowed", _not_open),
        30014: Code("invalid symbol", _not_open),
        30016: Code("trading disabled", _not_open),
        30021: Code("invalid symbol", _not_open),
        30020: Code("no permission for the symbol", _rejected(_R.NOT_TRADABLE_BY_API)),
        730001: Code("pair not found", _rejected(_R.SYMBOL_UNKNOWN)),
        # Price and amount.
        30010: Code("order price cannot exceed …USDT", _price_refused),
        30087: Code("order price exceeds allowed range", _price_refused),
        30002: Code("volume cannot be less than:…USDT", _wrong_size(_R.SIZE_REFUSED)),
        30003: Code("maximum volume exceeded", _wrong_size(_R.SIZE_REFUSED)),
        700008: Code("illegal characters in parameter", _wrong_size(_R.SIZE_REFUSED, of_digits=True)),
        30004: Code("insufficient position", _wrong_size(_R.INSUFFICIENT_BALANCE)),
        30005: Code("oversold", _wrong_size(_R.INSUFFICIENT_BALANCE)),
        10101: Code("insufficient balance", _rejected(_R.INSUFFICIENT_BALANCE)),
        # Kind of order.
        30018: Code("market order disabled", _rejected(_R.TYPE_REFUSED)),
        30019: Code("api market order disabled", _rejected(_R.TYPE_REFUSED)),
        30041: Code("order type not allowed", _rejected(_R.TYPE_REFUSED)),
        30025: Code("no opposite order", _rejected(_R.NO_LIQUIDITY)),
        # The exchange's own limits.
        30027: Code("maximum position for the coin, buying suspended", _rejected(_R.RISK_CONTROL)),
        30028: Code("risk control, selling suspended", _rejected(_R.RISK_CONTROL)),
        30029: Code("maximum order limit exceeded", _rejected(_R.RISK_CONTROL)),
        30032: Code("maximum position exceeded", _rejected(_R.RISK_CONTROL)),
        10098: Code("risk control", _rejected(_R.RISK_CONTROL)),
        # A request it did not understand.
        -1128: Code("combination of parameters invalid", _rejected(_R.MALFORMED)),
        33333: Code("param error", _rejected(_R.MALFORMED)),
        44444: Code("param null", _rejected(_R.MALFORMED)),
        700004: Code("orderId or origClientOrderId must be sent", _rejected(_R.MALFORMED)),
        700005: Code("recvWindow must be less than 60000", _rejected(_R.MALFORMED)),
        700013: Code("invalid content type", _rejected(_R.MALFORMED)),
        # Asked too often, or kept out.
        403: Code("access denied", _throttled),
        BANNED: Code("banned", _throttled),
        LIMITED: Code("too many requests", _throttled),
        510: Code("too frequent", _throttled),
        # It does not say that there is no order, or speaks of another.
        -1: Code("unknown error", _unanswered),
        -1000: Code("unknown error while processing", _unanswered),
        -1001: Code("disconnected", _unanswered),
        -1006: Code("unexpected response", _unanswered),
        -1007: Code("timeout", _unanswered),
        -2011: Code("unknown order sent", _unanswered),
        0: Code("success", _unanswered),
        200: Code("success", _unanswered),
        500: Code("internal error", _unanswered),
        503: Code("service not available", _unanswered),
        504: Code("gateway timeout", _unanswered),
        10203: Code("order processing error", _unanswered),
        11444: Code("feature unavailable", _unanswered),
        20002: Code("system error", _unanswered),
        22222: Code("record does not exist", _unanswered),
        -2013: Code("order does not exist", _unanswered),
    }
)
UNKNOWN_CODE: Final = Code("anything else", _unanswered)


def code_of(number: int, message: str) -> Code:
    """Return the entry of a code, or of another that *message* says it is; UNKNOWN_CODE where there is none."""
    if number == _KEY_REQUIRED and _OF_DIGITS.search(message):
        return CODES[_DIGITS]
    return CODES.get(number, UNKNOWN_CODE)


def result_of_code(number: int, message: str = "") -> SendResult:
    """Judge a refusal under a code that no order was sent for: by the same table."""
    said = Said(f"{number} {message}".rstrip(), message, banned=number == BANNED)
    return code_of(number, message).verdict(said)


def at_most(message: str) -> Decimal | None:
    """Return N of "Order price cannot exceed {N}USDT" in any spelling; None where no number can be relied on."""
    return _positive(_AT_MOST, message)


def at_least(message: str) -> Decimal | None:
    """Return N of "The minimum transaction volume cannot be less than:{N}USDT" in the same way."""
    return _positive(_AT_LEAST, message)


def _positive(pattern: re.Pattern[str], message: str) -> Decimal | None:
    # Full-width colons, commas, digits and blanks become the usual ones.
    found = pattern.search(unicodedata.normalize("NFKC", message))
    number = Decimal(found.group(1).replace(",", "")) if found else Decimal(0)
    return number if number > 0 else None
