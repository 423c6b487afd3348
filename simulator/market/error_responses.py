"""MEXC's error codes and messages."""

from dataclasses import dataclass
from decimal import Decimal

from simulator.symbols import plain


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """The answer to a refused request."""

    code: int
    message: str
    http_status: int = 400


class RefusedError(Exception):
    """The exchange refuses the request."""

    def __init__(self, response: ErrorResponse) -> None:
        super().__init__(f"{response.code}: {response.message}")
        self.response = response


API_KEY_REQUIRED = ErrorResponse(400, "api key required")
API_KEY_UNKNOWN = ErrorResponse(10072, "Api key info invalid")
REQUEST_TIME_INVALID = ErrorResponse(10073, "Invalid Request-Time")
SIGNATURE_INVALID = ErrorResponse(700002, "Signature for this request is not valid.")
TIMESTAMP_OUTSIDE = ErrorResponse(700003, "Timestamp for this request is outside of the recvWindow.")
ORDER_ID_MISSING = ErrorResponse(
    700004, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
)
RECV_WINDOW_TOO_LARGE = ErrorResponse(700005, "recvWindow must less than 60000")
CONTENT_TYPE_INVALID = ErrorResponse(700013, "invalid content type.")

SYMBOL_INVALID = ErrorResponse(-1121, "Invalid symbol.")
SYMBOL_NOT_API = ErrorResponse(10007, "symbol not support api")
TRADING_SUSPENDED = ErrorResponse(30000, "Trading suspended for the symbol")
DIRECTION_NOT_ALLOWED = ErrorResponse(30001, "Current trading type or direction is not allowed")
INVALID_SYMBOL = ErrorResponse(30014, "Invalid symbol")
TRADING_DISABLED = ErrorResponse(30016, "Trading disabled")

COMBINATION_INVALID = ErrorResponse(-1128, "Combination of optional parameters invalid.")
PARAMETER_ERROR = ErrorResponse(33333, "param error")
PRICE_OUT_OF_RANGE = ErrorResponse(30087, "Order price exceeds allowed range")
TOO_MANY_OPEN_ORDERS = ErrorResponse(30029, "Cannot exceed the maximum order limit")
INSUFFICIENT_POSITION = ErrorResponse(30004, "Insufficient position")
OVERSOLD = ErrorResponse(30005, "Oversold")
CLIENT_ID_DUPLICATE = ErrorResponse(33333, "Duplicate newClientOrderId")
ORDER_UNKNOWN = ErrorResponse(-2011, "Unknown order sent.")
ORDER_ABSENT = ErrorResponse(-2013, "Order does not exist.")
LISTEN_KEY_UNKNOWN = ErrorResponse(22222, "listenKey does not exist")
LISTEN_KEYS_TOO_MANY = ErrorResponse(33333, "listenKeys exceed the maximum")

TOO_MANY_REQUESTS = ErrorResponse(429, "Too Many Requests", http_status=429)
BANNED = ErrorResponse(418, "IP banned for repeated requests beyond the limit", http_status=418)

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


def preopen(code: int) -> ErrorResponse:
    """Return the answer to an order before the opening; reports of MEXC's code differ."""
    return _PREOPEN.get(code, ErrorResponse(code, "Trading has not started"))


def missing(parameter: str) -> ErrorResponse:
    return ErrorResponse(44444, f"Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed.")


def illegal(parameter: str) -> ErrorResponse:
    return ErrorResponse(700008, f"Illegal characters found in parameter '{parameter}'.")


_MIN_WORDS = "The minimum transaction volume cannot be less than:{amount}{asset}"
_CAP_WORDS = "Order price cannot exceed {amount}{asset}"


def volume_too_small(words: str | None, minimum: Decimal, asset: str) -> ErrorResponse:
    return ErrorResponse(30002, fill_template(words or _MIN_WORDS, minimum, asset))


def volume_too_large(words: str | None, maximum: Decimal, asset: str) -> ErrorResponse:
    return ErrorResponse(30003, fill_template(words or "The maximum transaction volume is exceeded", maximum, asset))


def price_above_cap(words: str | None, cap: Decimal, asset: str) -> ErrorResponse:
    return ErrorResponse(30010, fill_template(words or _CAP_WORDS, cap, asset))


def fill_template(words: str, amount: Decimal, asset: str) -> str:
    """Fill in `{amount}` and `{asset}` in *words*; `{amount:,}` separates thousands by commas."""
    return words.format(amount=Decimal(plain(amount)), asset=asset)
