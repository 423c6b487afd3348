"""Classify the exchange's answer to an order: by its code, and without one by its certain consequences."""

import re
from dataclasses import replace
from typing import Final

import msgspec

from executor.model import Accepted, Reason, Rejected, SendResult, Throttled, TimestampRefused, Unanswered, Unsent
from executor.venues.error_codes import Said, code_of
from shared.mexc.orders.order_api import Answer
from shared.mexc.retry_after import BANNED, LIMITED, retry_after_seconds

_SUCCESS: Final = frozenset({None, 0, 200})
_KEPT_OUT: Final = frozenset({403, BANNED, LIMITED})
"""The exchange has been seen to take an order and answer so."""
_REFUSAL: Final = 400
_UNAUTHORISED: Final = 401
_MAY_STAND: Final = re.compile(
    r"duplicate|already exist|processing|being processed|time[ds]?[ -]?out|query (?:it )?later|system (?:is )?busy",
    re.IGNORECASE,
)
"""Words that contradict a refusal, whatever its code."""
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
        order_id = "" if reply.order_id is None else str(reply.order_id)
        if _EXCHANGE_ORDER_ID.fullmatch(order_id):
            return Accepted(order_id)
        return Unanswered(f"HTTP {answer.status} without an order id", throttled=_throttled(_verdict(reply, answer)))
    if 400 <= answer.status < 500:
        return _refused(reply, answer)
    return Unanswered(f"HTTP {answer.status}")


def result_of_test(answer: Answer) -> SendResult | None:
    """Judge the answer to an order's test, which never makes one; None where the order would have been taken."""
    verdict = _judged_as_order(answer)
    match verdict:
        case Rejected():
            return Rejected(Reason.ORDER_TEST_REJECTED, verdict.detail, stop=verdict.stop)
        case Unanswered(detail, stop) if stop:
            return Rejected(Reason.ORDER_TEST_REJECTED, detail, stop=True)
        case Unanswered() | Accepted():
            return Unsent(f"HTTP {answer.status} without a judgement on the order")
        case Throttled():
            return replace(verdict, in_doubt=False)
    return verdict


def refusal_of_test(answer: Answer) -> Reason | None:
    """Return the reason for which an order's test was refused; None where it was not, or may be taken yet."""
    verdict = _judged_as_order(answer)
    return verdict.reason if isinstance(verdict, Rejected) else None


def _judged_as_order(answer: Answer) -> SendResult | None:
    reply = _read(answer.body)
    if reply is None or answer.status != 200:
        return result_of(answer)
    return None if reply.code in _SUCCESS else _judged(reply, _wait_seconds(answer))


def _refused(reply: _Reply | None, answer: Answer) -> SendResult:
    """Judge a refusal: only the exchange's own, under the right status and for a known reason, proves absence."""
    status = answer.status
    verdict = _verdict(reply, answer)
    detail = f"HTTP {status}" if verdict is None else f"HTTP {status}: {reply}"
    if status in _KEPT_OUT:
        if _stops(verdict):
            return Unanswered(detail, stop=True)
        return Throttled(detail, _wait_seconds(answer), banned=status == BANNED or _is_ban(reply))
    if reply is not None and (reply.order_id is not None or _MAY_STAND.search(reply.msg or "")):
        return Unanswered(detail, throttled=_throttled(verdict))
    # A request is checked for keys and time before it is looked into, so that a 401 says them too.
    is_checked_first = status == _UNAUTHORISED and (_stops(verdict) or isinstance(verdict, TimestampRefused))
    if status == _REFUSAL or is_checked_first:
        return Unanswered(detail) if verdict is None else verdict
    return Unanswered(detail, stop=status == _UNAUTHORISED, throttled=_throttled(verdict))


def _judged(reply: _Reply, wait_seconds: float | None) -> SendResult:
    assert reply.code is not None
    message = reply.msg or ""
    return code_of(reply.code, message).verdict(Said(str(reply), message, wait_seconds, _is_ban(reply)))


def _verdict(reply: _Reply | None, answer: Answer) -> SendResult | None:
    return None if reply is None or reply.code is None else _judged(reply, _wait_seconds(answer))


def _throttled(verdict: SendResult | None) -> Throttled | None:
    return verdict if isinstance(verdict, Throttled) else None


def _stops(verdict: SendResult | None) -> bool:
    return isinstance(verdict, Rejected) and verdict.stop


def _is_ban(reply: _Reply | None) -> bool:
    return reply is not None and reply.code == BANNED


def _wait_seconds(answer: Answer) -> float | None:
    headers = answer.headers
    return retry_after_seconds(headers.get("retry-after"), date=headers.get("date"), now=answer.answered_at)


def _read(body: bytes) -> _Reply | None:
    try:
        return msgspec.json.decode(body, type=_Reply)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
