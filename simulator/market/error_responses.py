"""The exchange's error codes, with the words MEXC sends beside them."""

from dataclasses import dataclass
from decimal import Decimal

from simulator.symbols.decimals import plain


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a refused request is answered with."""

    code: int
    message: str
    http_status: int = 400


class RefusedError(Exception):
    """The exchange refuses the request."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.code}: {refusal.message}")
        self.refusal = refusal


API_KEY_REQUIRED = Refusal(400, "api key required")
API_KEY_UNKNOWN = Refusal(10072, "Api key info invalid")
REQUEST_TIME_INVALID = Refusal(10073, "Invalid Request-Time")
SIGNATURE_INVALID = Refusal(700002, "Signature for this request is not valid.")
TIMESTAMP_OUTSIDE = Refusal(700003, "Timestamp for this request is outside of the recvWindow.")
ORDER_ID_MISSING = Refusal(700004, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
RECV_WINDOW_TOO_LARGE = Refusal(700005, "recvWindow must less than 60000")
CONTENT_TYPE_INVALID = Refusal(700013, "invalid content type.")

SYMBOL_INVALID = Refusal(-1121, "Invalid symbol.")
SYMBOL_NOT_API = Refusal(10007, "symbol not support api")
TRADING_SUSPENDED = Refusal(30000, "Trading suspended for the symbol")
DIRECTION_NOT_ALLOWED = Refusal(30001, "Current trading type or direction is not allowed")
INVALID_SYMBOL = Refusal(30014, "Invalid symbol")
TRADING_DISABLED = Refusal(30016, "Trading disabled")

COMBINATION_INVALID = Refusal(-1128, "Combination of optional parameters invalid.")
PARAMETER_ERROR = Refusal(33333, "param error")
PRICE_OUT_OF_RANGE = Refusal(30087, "Order price exceeds allowed range")
TOO_MANY_OPEN_ORDERS = Refusal(30029, "Cannot exceed the maximum order limit")
INSUFFICIENT_POSITION = Refusal(30004, "Insufficient position")
OVERSOLD = Refusal(30005, "Oversold")
CLIENT_ID_DUPLICATE = Refusal(33333, "Duplicate newClientOrderId")
ORDER_UNKNOWN = Refusal(-2011, "Unknown order sent.")
ORDER_ABSENT = Refusal(-2013, "Order does not exist.")

TOO_MANY_REQUESTS = Refusal(429, "Too Many Requests", http_status=429)
BANNED = Refusal(418, "IP banned for repeated requests beyond the limit", http_status=418)

_PREOPEN = {
    each.code: each
    for each in (
        SYMBOL_INVALID,
        SYMBOL_NOT_API,
        TRADING_SUSPENDED,
        DIRECTION_NOT_ALLOWED,
        INVALID_SYMBOL,
        TRADING_DISABLED,
    )
}


def preopen(code: int) -> Refusal:
    """The answer to an order on a symbol that has not opened, which sources give differently."""
    return _PREOPEN.get(code, Refusal(code, "Trading has not started"))


def missing(parameter: str) -> Refusal:
    return Refusal(44444, f"Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed.")


def illegal(parameter: str) -> Refusal:
    return Refusal(700008, f"Illegal characters found in parameter '{parameter}'.")


_MIN_WORDS = "The minimum transaction volume cannot be less than:{amount}{asset}"
_CAP_WORDS = "Order price cannot exceed {amount}{asset}"


def volume_too_small(words: str | None, minimum: Decimal, asset: str) -> Refusal:
    return Refusal(30002, worded(words or _MIN_WORDS, minimum, asset))


def volume_too_large(words: str | None, maximum: Decimal, asset: str) -> Refusal:
    return Refusal(30003, worded(words or "The maximum transaction volume is exceeded", maximum, asset))


def price_above_cap(words: str | None, cap: Decimal, asset: str) -> Refusal:
    return Refusal(30010, worded(words or _CAP_WORDS, cap, asset))


def worded(words: str, amount: Decimal, asset: str) -> str:
    """`{amount}` and `{asset}` in *words* are put in, `{amount:,}` with commas between the thousands."""
    return words.format(amount=Decimal(plain(amount)), asset=asset)
