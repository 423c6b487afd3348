"""What the exchange's answer to an order means: by its code, and where it gives none, by what certainly follows."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import msgspec

from executor.codes import CODES, UNKNOWN_CODE, Kind
from executor.reasons import Reason
from executor.verdicts import (
    Accepted,
    Busy,
    NotOpen,
    Refused,
    TooDear,
    Unanswered,
    Unsent,
    Untimely,
    Verdict,
    WrongSize,
)
from shared.mexc.order_transport import Answer

_PLAIN: Final[Mapping[Kind, Callable[[str], Verdict]]] = MappingProxyType(
    {Kind.NOT_OPEN: NotOpen, Kind.UNTIMELY: Untimely, Kind.UNANSWERED: Unanswered}
)
_SUCCESS: Final = frozenset({None, 0, 200})
_TOO_OFTEN: Final = frozenset({418, 429})
_UNDECIDED: Final = frozenset({408, 409, 499})
"""Whoever answers so gave up waiting for something, or met the same request twice."""
_WAIT_SECONDS_MAX: Final = 3 * 24 * 3600.0
"""The longest ban there is."""
_DUPLICATE: Final = re.compile(r"duplicate|already exist", re.IGNORECASE)
_NUMBER: Final = r"([0-9]{1,20}(?:\.[0-9]{1,30})?)\s?USD"
_PRICE_CAP: Final = re.compile(rf"exceed:?\s?{_NUMBER}")
_NOTIONAL_MIN: Final = re.compile(rf"less than:?\s?{_NUMBER}")
_EXCHANGE_ORDER_ID: Final = re.compile(r"[!-~]{1,64}")


class _Reply(msgspec.Struct, rename="camel"):
    """Any body of the exchange's, as far as it matters here."""

    code: int | None = None
    msg: str | None = None
    order_id: str | int | None = None

    def __str__(self) -> str:
        return f"{self.code} {self.msg or ''}".rstrip()


def verdict_of(answer: Answer) -> Verdict:
    """Judge the answer to an order that was sent. Whatever does not certainly say otherwise may have made an order."""
    reply = _read(answer.body)
    if reply is not None and 200 <= answer.status < 300:
        return _accepted(reply, answer)
    if 400 <= answer.status < 500:
        return _refused(reply, answer)
    return Unanswered(f"HTTP {answer.status}")


def verdict_of_test(answer: Answer) -> Verdict | None:
    """Judge the answer to an order's test, which never makes one; None where the order would have been taken."""
    reply = _read(answer.body)
    if reply is not None and answer.status == 200:
        verdict = None if reply.code in _SUCCESS else _judged(reply, answer)
    else:
        verdict = verdict_of(answer)
    match verdict:
        case Refused():
            return Refused(Reason.ORDER_TEST_REJECTED, verdict.detail, stop=verdict.stop)
        case Unanswered() | Accepted():
            return Unsent(f"HTTP {answer.status} without a judgement on the order")
    return verdict


def price_cap(message: str) -> Decimal | None:
    """Return N of "Order price cannot exceed {N}USDT"."""
    return _positive(_PRICE_CAP.search(message))


def notional_min(message: str) -> Decimal | None:
    """Return N of "The minimum transaction volume cannot be less than:{N}USDT"."""
    return _positive(_NOTIONAL_MIN.search(message))


def _accepted(reply: _Reply, answer: Answer) -> Verdict:
    order_id = "" if reply.order_id is None else str(reply.order_id)
    if _EXCHANGE_ORDER_ID.fullmatch(order_id):
        return Accepted(order_id)
    return Unanswered(f"HTTP {answer.status} without an order id")


def _refused(reply: _Reply | None, answer: Answer) -> Verdict:
    status = answer.status
    if reply is None or reply.code is None:
        return _kept_out(answer)
    if status in _UNDECIDED or reply.order_id is not None or _DUPLICATE.search(reply.msg or ""):
        return Unanswered(f"HTTP {status}: {reply}")
    if status == 401 and reply.code not in CODES:
        return Refused(Reason.CREDENTIALS_REFUSED, str(reply), stop=True)
    verdict = _judged(reply, answer)
    if status in _TOO_OFTEN and not isinstance(verdict, Busy):
        return Unanswered(f"HTTP {status}: {reply}")
    return verdict


def _kept_out(answer: Answer) -> Verdict:
    """Judge a refusal without the exchange's code: two of them come from what stands before the exchange."""
    detail = f"HTTP {answer.status}"
    match answer.status:
        case 401:
            return Refused(Reason.CREDENTIALS_REFUSED, detail, stop=True)
        case 403:
            return Busy(detail, _wait_seconds(answer))
    return Unanswered(detail)


def _judged(reply: _Reply, answer: Answer) -> Verdict:
    assert reply.code is not None
    code, detail, message = CODES.get(reply.code, UNKNOWN_CODE), str(reply), reply.msg or ""
    match code.kind:
        case Kind.REFUSED | Kind.STOP:
            return Refused(code.reason, detail, stop=code.kind is Kind.STOP)
        case Kind.TOO_DEAR:
            return TooDear(detail, price_cap(message))
        case Kind.WRONG_SIZE:
            return WrongSize(code.reason, detail, notional_min(message))
        case Kind.BUSY:
            return Busy(detail, _wait_seconds(answer), banned=418 in (answer.status, reply.code))
        case Kind.NOT_OPEN | Kind.UNTIMELY | Kind.UNANSWERED:
            return _PLAIN[code.kind](detail)


def _wait_seconds(answer: Answer) -> float | None:
    header = answer.headers.get("retry-after", "")
    return min(float(header), _WAIT_SECONDS_MAX) if header.isascii() and header.isdecimal() else None


def _read(body: bytes) -> _Reply | None:
    try:
        return msgspec.json.decode(body, type=_Reply)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _positive(found: re.Match[str] | None) -> Decimal | None:
    number = Decimal(found.group(1)) if found else Decimal(0)
    return number if number > 0 else None
