"""The exchange's error codes: what each says about an order that was sent.

Each kind but two proves that no order exists, because the exchange checks it before it takes one: keys, time, symbol,
price, amount, money, kind, limits and form. BUSY and UNANSWERED prove nothing, nor does a code that is not here.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from executor.model.reasons import Reason


class Kind(StrEnum):
    """What to do about a code; each becomes the verdict of its name."""

    REFUSED = "refused"
    STOP = "refused, and trading halts"
    PAIR = "refused, and trading halts after several symbols"
    NOT_OPEN = "not open"
    TOO_DEAR = "too dear"
    WRONG_SIZE = "wrong size"
    UNTIMELY = "untimely"
    BUSY = "busy"
    UNANSWERED = "unanswered"


class Code(NamedTuple):
    says: str
    """In the exchange's words, more or less."""
    kind: Kind
    reason: Reason = Reason.REFUSED
    """Of a refusal or a wrong size."""


_K, _R = Kind, Reason
CODES: Final[Mapping[int, Code]] = MappingProxyType(
    {
        # Keys and account.
        400: Code("api key required", _K.STOP, _R.CREDENTIALS_REFUSED),
        401: Code("no authority", _K.STOP, _R.CREDENTIALS_REFUSED),
        402: Code("api key expired", _K.STOP, _R.CREDENTIALS_REFUSED),
        602: Code("signature verification failed", _K.STOP, _R.CREDENTIALS_REFUSED),
        10072: Code("api key info invalid", _K.STOP, _R.CREDENTIALS_REFUSED),
        700001: Code("api key format invalid", _K.STOP, _R.CREDENTIALS_REFUSED),
        700002: Code("signature not valid", _K.STOP, _R.CREDENTIALS_REFUSED),
        700006: Code("ip not in the white list", _K.STOP, _R.CREDENTIALS_REFUSED),
        700007: Code("no permission to access the endpoint", _K.STOP, _R.CREDENTIALS_REFUSED),
        10001: Code("user does not exist", _K.STOP, _R.CREDENTIALS_REFUSED),
        60005: Code("your account is abnormal", _K.STOP, _R.RISK_CONTROL),
        # One pair, which a key may be barred from; several in a row are the key or the account.
        26: Code("operation not allowed", _K.PAIR, _R.PAIR_REFUSED),
        70011: Code("pair user ban trade apikey", _K.PAIR, _R.PAIR_REFUSED),
        # Time.
        700003: Code("timestamp outside of the recvWindow", _K.UNTIMELY),
        10073: Code("invalid request time", _K.UNTIMELY),
        # Symbol. Before an opening these come and go, and nobody knows which MEXC gives when.
        -1121: Code("invalid symbol", _K.NOT_OPEN),
        10007: Code("symbol not support api", _K.NOT_OPEN),
        30000: Code("trading suspended for the symbol", _K.NOT_OPEN),
        30001: Code("current trade direction not allowed", _K.NOT_OPEN),
        30014: Code("invalid symbol", _K.NOT_OPEN),
        30016: Code("trading disabled", _K.NOT_OPEN),
        30021: Code("invalid symbol", _K.NOT_OPEN),
        30020: Code("no permission for the symbol", _K.REFUSED, _R.NOT_TRADABLE_BY_API),
        730001: Code("pair not found", _K.REFUSED, _R.SYMBOL_UNKNOWN),
        # Price and amount.
        30010: Code("order price cannot exceed …USDT", _K.TOO_DEAR),
        30087: Code("order price exceeds allowed range", _K.TOO_DEAR),
        30002: Code("volume cannot be less than:…USDT", _K.WRONG_SIZE, _R.SIZE_REFUSED),
        30003: Code("maximum volume exceeded", _K.WRONG_SIZE, _R.SIZE_REFUSED),
        700008: Code("illegal characters in parameter", _K.WRONG_SIZE, _R.SIZE_REFUSED),
        30004: Code("insufficient position", _K.WRONG_SIZE, _R.INSUFFICIENT_BALANCE),
        30005: Code("oversold", _K.WRONG_SIZE, _R.INSUFFICIENT_BALANCE),
        10101: Code("insufficient balance", _K.REFUSED, _R.INSUFFICIENT_BALANCE),
        # Kind of order.
        30018: Code("market order disabled", _K.REFUSED, _R.TYPE_REFUSED),
        30019: Code("api market order disabled", _K.REFUSED, _R.TYPE_REFUSED),
        30041: Code("order type not allowed", _K.REFUSED, _R.TYPE_REFUSED),
        30025: Code("no opposite order", _K.REFUSED, _R.NO_LIQUIDITY),
        # The exchange's own limits.
        30027: Code("maximum position for the coin, buying suspended", _K.REFUSED, _R.RISK_CONTROL),
        30028: Code("risk control, selling suspended", _K.REFUSED, _R.RISK_CONTROL),
        30029: Code("maximum order limit exceeded", _K.REFUSED, _R.RISK_CONTROL),
        30032: Code("maximum position exceeded", _K.REFUSED, _R.RISK_CONTROL),
        10098: Code("risk control", _K.REFUSED, _R.RISK_CONTROL),
        # A request it did not understand.
        -1128: Code("combination of parameters invalid", _K.REFUSED, _R.MALFORMED),
        33333: Code("param error", _K.REFUSED, _R.MALFORMED),
        44444: Code("param null", _K.REFUSED, _R.MALFORMED),
        700004: Code("orderId or origClientOrderId must be sent", _K.REFUSED, _R.MALFORMED),
        700005: Code("recvWindow must be less than 60000", _K.REFUSED, _R.MALFORMED),
        700013: Code("invalid content type", _K.REFUSED, _R.MALFORMED),
        # Asked too often, or kept out.
        403: Code("access denied", _K.BUSY),
        418: Code("banned", _K.BUSY),
        429: Code("too many requests", _K.BUSY),
        510: Code("too frequent", _K.BUSY),
        # It does not say that there is no order, or speaks of another.
        -1: Code("unknown error", _K.UNANSWERED),
        -1000: Code("unknown error while processing", _K.UNANSWERED),
        -1001: Code("disconnected", _K.UNANSWERED),
        -1006: Code("unexpected response", _K.UNANSWERED),
        -1007: Code("timeout", _K.UNANSWERED),
        -2011: Code("unknown order sent", _K.UNANSWERED),
        0: Code("success", _K.UNANSWERED),
        200: Code("success", _K.UNANSWERED),
        500: Code("internal error", _K.UNANSWERED),
        503: Code("service not available", _K.UNANSWERED),
        504: Code("gateway timeout", _K.UNANSWERED),
        10203: Code("order processing error", _K.UNANSWERED),
        11444: Code("feature unavailable", _K.UNANSWERED),
        20002: Code("system error", _K.UNANSWERED),
        22222: Code("record does not exist", _K.UNANSWERED),
        -2013: Code("order does not exist", _K.UNANSWERED),
    }
)
UNKNOWN_CODE: Final = Code("anything else", Kind.UNANSWERED)
