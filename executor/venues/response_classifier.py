"""What the exchange's answer to an order means: by its code, and where it gives none, by what certainly follows."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import msgspec

from executor.model.reasons import Reason
from executor.model.send_result import (
    Accepted,
    NotOpen,
    PriceRefused,
    Refused,
    SendResult,
    Throttled,
    TimestampRefused,
    Unanswered,
    Unsent,
    WrongSize,
)
from executor.venues.error_codes import CODES, UNKNOWN_CODE, Code, Kind
from executor.venues.error_texts import at_least, at_most
from shared.mexc.orders.order_transport import Answer
from shared.mexc.retry_after import retry_after_seconds

_PLAIN: Final[Mapping[Kind, Callable[[str], SendResult]]] = MappingProxyType(
    {Kind.NOT_OPEN: NotOpen, Kind.UNTIMELY: TimestampRefused, Kind.UNANSWERED: Unanswered}
)
_SUCCESS: Final = frozenset({None, 0, 200})
_BANNED: Final = 418
_KEPT_OUT: Final = frozenset({403, _BANNED, 429})
"""The exchange has been seen to take an order and answer so."""
_REFUSAL: Final = 400
_UNAUTHORISED: Final = 401
_CHECKED_FIRST: Final = frozenset({Kind.STOP, Kind.UNTIMELY})
"""A request is checked for these before it is looked into, so that a 401 says them too."""
_MAY_STAND: Final = re.compile(
    r"duplicate|already exist|processing|being processed|time[ds]?[ -]?out|query (?:it )?later|system (?:is )?busy",
    re.IGNORECASE,
)
"""Words that contradict a refusal, whatever its code."""
_DIGITS: Final = 700008
_KEY_REQUIRED: Final = 400
_OF_DIGITS: Final = re.compile(r"\b(?:price|quantity|amount) (?:scale|precision)\b", re.IGNORECASE)
"""Words under which a missing key's code is given for digits: "quantity scale is invalid"."""
_EXCHANGE_ORDER_ID: Final = re.compile(r"[!-~]{1,64}")


class _Reply(msgspec.Struct, rename="camel"):
    """Any body of the exchange's, as far as it matters here."""

    code: int | None = None
    msg: str | None = None
    order_id: str | int | None = None

    def __str__(self) -> str:
        return f"{self.code} {self.msg or ''}".rstrip()


def result_of(answer: Answer) -> SendResult:
    """Judge the answer to an order that was sent. Whatever does not certainly say otherwise may have made an order."""
    reply = _read(answer.body)
    if reply is not None and 200 <= answer.status < 300:
        return _accepted(reply, answer)
    if 400 <= answer.status < 500:
        return _refused(reply, answer)
    return Unanswered(f"HTTP {answer.status}")


def result_of_test(answer: Answer) -> SendResult | None:
    """Judge the answer to an order's test, which never makes one; None where the order would have been taken."""
    verdict = _judged_as_order(answer)
    match verdict:
        case Refused():
            return Refused(Reason.ORDER_TEST_REJECTED, verdict.detail, stop=verdict.stop)
        case Unanswered(detail, stop) if stop:
            return Refused(Reason.ORDER_TEST_REJECTED, detail, stop=True)
        case Unanswered() | Accepted():
            return Unsent(f"HTTP {answer.status} without a judgement on the order")
        case Throttled():
            return replace(verdict, in_doubt=False)
    return verdict


def refusal_of_test(answer: Answer) -> Reason | None:
    """Return the reason for which an order's test was refused; None where it was not, or may be taken yet."""
    verdict = _judged_as_order(answer)
    return verdict.reason if isinstance(verdict, Refused) else None


def _judged_as_order(answer: Answer) -> SendResult | None:
    reply = _read(answer.body)
    if reply is None or answer.status != 200:
        return result_of(answer)
    return None if reply.code in _SUCCESS else _judged(reply, _wait_seconds(answer))


def result_of_code(code: int, message: str) -> SendResult:
    """Judge a refusal under *code* that no order was sent for: by the same table."""
    return _judged(_Reply(code, message), None)


def _accepted(reply: _Reply, answer: Answer) -> SendResult:
    order_id = "" if reply.order_id is None else str(reply.order_id)
    if _EXCHANGE_ORDER_ID.fullmatch(order_id):
        return Accepted(order_id)
    return Unanswered(f"HTTP {answer.status} without an order id")


def _refused(reply: _Reply | None, answer: Answer) -> SendResult:
    """Judge a refusal: only the exchange's own, under the right status and for a known reason, proves absence."""
    status = answer.status
    code = _code_of(reply)
    detail = f"HTTP {status}" if reply is None or reply.code is None else f"HTTP {status}: {reply}"
    if status in _KEPT_OUT:
        if code.kind is Kind.STOP:
            return Unanswered(detail, stop=True)
        return Throttled(detail, _wait_seconds(answer), banned=status == _BANNED or _is_ban(reply))
    if reply is not None and (reply.order_id is not None or _MAY_STAND.search(reply.msg or "")):
        return Unanswered(detail)
    if status == _REFUSAL or (status == _UNAUTHORISED and code.kind in _CHECKED_FIRST):
        if reply is None or reply.code is None:
            return Unanswered(detail)
        return _judged(reply, _wait_seconds(answer))
    return Unanswered(detail, stop=status == _UNAUTHORISED)


def _judged(reply: _Reply, wait_seconds: float | None) -> SendResult:
    assert reply.code is not None
    code, detail, message = _code_of(reply), str(reply), reply.msg or ""
    match code.kind:
        case Kind.REFUSED | Kind.STOP | Kind.PAIR:
            return Refused(code.reason, detail, stop=code.kind is Kind.STOP)
        case Kind.TOO_DEAR:
            return PriceRefused(detail, at_most(message), at_least(message))
        case Kind.WRONG_SIZE:
            return WrongSize(code.reason, detail, at_least(message), of_digits=code is CODES[_DIGITS])
        case Kind.BUSY:
            return Throttled(detail, wait_seconds, banned=_is_ban(reply))
        case Kind.NOT_OPEN | Kind.UNTIMELY | Kind.UNANSWERED:
            return _PLAIN[code.kind](detail)


def _code_of(reply: _Reply | None) -> Code:
    """Return the meaning of *reply*: of its code, unless its words say that it is another."""
    if reply is None or reply.code is None:
        return UNKNOWN_CODE
    if reply.code == _KEY_REQUIRED and _OF_DIGITS.search(reply.msg or ""):
        return CODES[_DIGITS]
    return CODES.get(reply.code, UNKNOWN_CODE)


def _is_ban(reply: _Reply | None) -> bool:
    return reply is not None and reply.code == _BANNED


def _wait_seconds(answer: Answer) -> float | None:
    headers = answer.headers
    return retry_after_seconds(headers.get("retry-after"), date=headers.get("date"), now=answer.answered_at)


def _read(body: bytes) -> _Reply | None:
    try:
        return msgspec.json.decode(body, type=_Reply)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
