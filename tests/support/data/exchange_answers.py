"""Answers of the exchange to an order, and what each of its codes must come to."""

import json
from collections.abc import Mapping
from typing import Any

from executor.model.reasons import Reason
from executor.model.send_result import (
    NotOpen,
    PriceRefused,
    Rejected,
    SendResult,
    Throttled,
    TimestampRefused,
    Unanswered,
    WrongSize,
)
from shared.mexc.orders.order_api import Answer
from tests.support.data.builders import NOON

CAP = "Order price cannot exceed 0.05USDT"
LEAST = "The minimum transaction volume cannot be less than:1USDT"
NO_ORDER = (Rejected, NotOpen, PriceRefused, WrongSize, TimestampRefused)
UNANSWERED = (0, 200, 500, 503, 504, 20002, 10203, 11444, -2013, 22222, -2011, -1, -1000, -1001, -1006, -1007)


def an_answer(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, headers or {}, body, NOON, 0.01)


def a_refusal(code: int, msg: str | None = "no", status: int = 400, **more: Any) -> Answer:
    return an_answer(status, json.dumps({"msg": msg, "code": code, "_extend": None} | more).encode())


def stop(code: int) -> Rejected:
    return Rejected(Reason.CREDENTIALS_REFUSED, f"{code} no", stop=True)


# Each code of section 3 of the facts about the exchange, beside what it must come to.
EXPECTED: Mapping[int, SendResult] = {
    **{code: stop(code) for code in (400, 401, 402, 602, 700001, 700002, 700006, 700007, 10072, 10001)},
    **{code: Rejected(Reason.PAIR_REFUSED, f"{code} no") for code in (26, 70011)},
    60005: Rejected(Reason.RISK_CONTROL, "60005 no", stop=True),
    700003: TimestampRefused("700003 no"),
    10073: TimestampRefused("10073 no"),
    **{code: NotOpen(f"{code} no") for code in (30001, 30000, 30016, 10007, -1121, 30014, 30021)},
    30020: Rejected(Reason.NOT_TRADABLE_BY_API, "30020 no"),
    730001: Rejected(Reason.SYMBOL_UNKNOWN, "730001 no"),
    30010: PriceRefused("30010 no", None),
    30087: PriceRefused("30087 no", None),
    30002: WrongSize(Reason.SIZE_REFUSED, "30002 no"),
    30003: WrongSize(Reason.SIZE_REFUSED, "30003 no"),
    700008: WrongSize(Reason.SIZE_REFUSED, "700008 no", of_digits=True),
    30004: WrongSize(Reason.INSUFFICIENT_BALANCE, "30004 no"),
    30005: WrongSize(Reason.INSUFFICIENT_BALANCE, "30005 no"),
    10101: Rejected(Reason.INSUFFICIENT_BALANCE, "10101 no"),
    **{code: Rejected(Reason.TYPE_REFUSED, f"{code} no") for code in (30018, 30019, 30041)},
    30025: Rejected(Reason.NO_LIQUIDITY, "30025 no"),
    **{code: Rejected(Reason.RISK_CONTROL, f"{code} no") for code in (30027, 30028, 30029, 30032, 10098)},
    **{code: Rejected(Reason.MALFORMED, f"{code} no") for code in (-1128, 33333, 44444, 700004, 700005, 700013)},
    **{code: Throttled(f"{code} no", None, banned=code == 418) for code in (429, 418, 403, 510)},
    **{code: Unanswered(f"{code} no") for code in UNANSWERED},
}
