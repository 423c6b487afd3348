"""What the exchange's answer to an order means."""

from typing import Final, TypeVar

import msgspec

from executor.order import Miss, rejected_because, unavailable
from executor.reasons import Reason
from shared.mexc.order_transport import Answer
from shared.mexc.payloads import Refusal

T = TypeVar("T")

_SUCCESS: Final = frozenset({0, 200})
_TOO_OFTEN: Final = frozenset({418, 429})
_UNTIMELY: Final = frozenset({700003, 10073})


def objection(answer: Answer) -> Miss | None:
    """Return what stands against an order by the answer to its test; None when it would have been taken."""
    if answer.status >= 500 or answer.status in _TOO_OFTEN:
        return unavailable(f"HTTP {answer.status}")
    refusal = _decoded(answer.body, Refusal)
    if refusal is not None and not (answer.status == 200 and refusal.code in _SUCCESS):
        return rejected_because(Reason.ORDER_TEST_REJECTED, f"{refusal.code} {refusal.msg or ''}".rstrip())
    if answer.status != 200 or _decoded(answer.body, dict) is None:
        return unavailable(f"HTTP {answer.status} without the exchange's JSON")
    return None


def is_untimely(answer: Answer) -> bool:
    """Tell whether the exchange found the request's timestamp too old, or ahead of its time."""
    refusal = _decoded(answer.body, Refusal)
    return refusal is not None and refusal.code in _UNTIMELY


def _decoded(body: bytes, shape: type[T]) -> T | None:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
