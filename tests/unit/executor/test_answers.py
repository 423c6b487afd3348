import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from executor.answers import notional_min, price_cap, verdict_of, verdict_of_test
from executor.codes import CODES, Kind
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
from tests.builders import NOON
from tests.strategies import json_values

CAP = "Order price cannot exceed 0.05USDT"
LEAST = "The minimum transaction volume cannot be less than:1USDT"
STATUSES = st.sampled_from([100, 200, 201, 204, 302, 307, 400, 401, 403, 404, 408, 409, 418, 429, 499, 500, 503, 510])
NO_ORDER = (Refused, NotOpen, TooDear, WrongSize, Untimely, Busy)


def an_answer(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, headers or {}, body, NOON, 0.01)


def a_refusal(code: int, msg: str | None = "no", status: int = 400, **more: Any) -> Answer:
    return an_answer(status, json.dumps({"msg": msg, "code": code, "_extend": None} | more).encode())


def stop(code: int) -> Refused:
    return Refused(Reason.CREDENTIALS_REFUSED, f"{code} no", stop=True)


# Each code of section 3 of the facts about the exchange, beside what it must come to.
EXPECTED: Mapping[int, Verdict] = {
    **{code: stop(code) for code in (400, 401, 402, 602, 700001, 700002, 700006, 700007, 10072, 70011, 26, 10001)},
    60005: Refused(Reason.RISK_CONTROL, "60005 no", stop=True),
    700003: Untimely("700003 no"),
    10073: Untimely("10073 no"),
    **{code: NotOpen(f"{code} no") for code in (30001, 30000, 30016, 10007, -1121, 30014, 30021)},
    30020: Refused(Reason.NOT_TRADABLE_BY_API, "30020 no"),
    730001: Refused(Reason.SYMBOL_UNKNOWN, "730001 no"),
    30010: TooDear("30010 no", None),
    30087: TooDear("30087 no", None),
    30002: WrongSize(Reason.SIZE_REFUSED, "30002 no"),
    30003: WrongSize(Reason.SIZE_REFUSED, "30003 no"),
    700008: WrongSize(Reason.SIZE_REFUSED, "700008 no"),
    30004: WrongSize(Reason.INSUFFICIENT_BALANCE, "30004 no"),
    30005: WrongSize(Reason.INSUFFICIENT_BALANCE, "30005 no"),
    10101: Refused(Reason.INSUFFICIENT_BALANCE, "10101 no"),
    **{code: Refused(Reason.TYPE_REFUSED, f"{code} no") for code in (30018, 30019, 30041)},
    30025: Refused(Reason.NO_LIQUIDITY, "30025 no"),
    **{code: Refused(Reason.RISK_CONTROL, f"{code} no") for code in (30027, 30028, 30029, 30032, 10098)},
    **{code: Refused(Reason.MALFORMED, f"{code} no") for code in (-1128, 33333, 44444, 700004, 700005, 700013, -2011)},
    **{code: Busy(f"{code} no", None, banned=code == 418) for code in (429, 418, 403, 510)},
    **{code: Unanswered(f"{code} no") for code in (0, 200, 500, 503, 504, 20002, 10203, 11444, -2013, 22222)},
}
DEFINITIVE = (
    *(10101, 30004, 30005),
    *(30000, 30001, 30014, 30016, 30018, 30019, 30020, 30021, 30027, 30029, 30032, 30041),
    *(700001, 700002, 700003, 700004, 700005, 700006, 700007, 700008, 10072, 602, -2011),
)
"""Those that prove that no order exists, by what the exchange guarantees."""


@pytest.mark.parametrize("code", CODES)
def test_each_code_comes_to_its_verdict(code: int) -> None:
    assert verdict_of(a_refusal(code)) == EXPECTED[code]


def test_no_code_is_missing() -> None:
    assert set(EXPECTED) == set(CODES)


@pytest.mark.parametrize("code", DEFINITIVE)
def test_what_proves_that_no_order_exists_is_not_looked_up(code: int) -> None:
    assert isinstance(verdict_of(a_refusal(code)), NO_ORDER)


def test_a_code_nobody_has_seen_is_refused_with_its_words() -> None:
    assert verdict_of(a_refusal(30099, "Something new")) == Refused(Reason.REFUSED, "30099 Something new")


def test_a_refusal_may_lack_a_message() -> None:
    assert verdict_of(a_refusal(30016, None)) == NotOpen("30016")
    assert verdict_of(an_answer(400, b'{"code": 30016}')) == NotOpen("30016")


@pytest.mark.parametrize("order_id", ["C02__510861197621391376028", 510861197621391376028, "0f" * 32, 0])
@pytest.mark.parametrize("status", [200, 201, 299])
def test_an_order_id_is_an_order(order_id: str | int, status: int) -> None:
    body = json.dumps({"symbol": "ABCUSDT", "orderId": order_id, "orderListId": -1, "price": None}).encode()

    assert verdict_of(an_answer(status, body)) == Accepted(str(order_id))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"<html>Access Denied</html>",
        b'{"symbol":',
        b'{"orderId": ""}',
        b'{"orderId": null}',
        b'{"orderId": 1.5}',
        b'{"orderId": "a\\u0000b"}',
        b'{"orderId": "a b"}',
        b'{"orderId": "%s"}' % (b"x" * 65),
        b'{"code": 30016, "msg": "Trading disabled"}',
        b'{"code": 429, "msg": "Too Many Requests"}',
        b'{"code": 0, "data": {"orderId": "C02__1"}}',
        b'"\xff"',
    ],
)
def test_a_success_that_names_no_order_may_have_made_one(body: bytes) -> None:
    assert isinstance(verdict_of(an_answer(200, body)), Unanswered)


@pytest.mark.parametrize("status", [100, 301, 302, 307, 308, 500, 502, 503, 504, 510, 599, 0, 600])
@pytest.mark.parametrize("body", [b"", b"{}", b'{"code": 30016}', b'{"code": 429}', b'{"orderId": "C02__1"}'])
def test_neither_success_nor_refusal_may_have_made_an_order(status: int, body: bytes) -> None:
    assert verdict_of(an_answer(status, body)) == Unanswered(f"HTTP {status}")


@pytest.mark.parametrize("status", [400, 404, 405, 413, 418, 422, 429, 451])
@pytest.mark.parametrize(
    "body", [b"", b"Denied", b"{}", b'{"msg": "no"}', b'{"code": "30016"}', b'{"code": 1.5}', b"[1]"]
)
def test_a_refusal_without_the_exchanges_code_may_have_made_an_order(status: int, body: bytes) -> None:
    assert verdict_of(an_answer(status, body)) == Unanswered(f"HTTP {status}")


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"msg": "unauthorized"}'])
def test_401_refuses_our_keys_whatever_it_says(body: bytes) -> None:
    assert verdict_of(an_answer(401, body)) == Refused(Reason.CREDENTIALS_REFUSED, "HTTP 401", stop=True)


def test_401_with_a_code_of_its_own_refuses_our_keys() -> None:
    assert verdict_of(a_refusal(4711, status=401)) == stop(4711)
    assert verdict_of(a_refusal(700003, status=401)) == Untimely("700003 no")


def test_403_without_json_keeps_us_out_for_a_while() -> None:
    assert verdict_of(an_answer(403, b"<html>Reference #18.2d3e</html>")) == Busy("HTTP 403", None)
    assert verdict_of(an_answer(403, b"", {"retry-after": "30"})) == Busy("HTTP 403", 30.0)
    assert verdict_of(a_refusal(700006, status=403)) == stop(700006)


@pytest.mark.parametrize(("status", "banned"), [(429, False), (418, True)])
def test_too_many_requests_count_as_no_order_only_when_the_exchange_itself_says_so(status: int, banned: bool) -> None:
    answer = an_answer(status, b'{"code": 429, "msg": "slow down"}', {"retry-after": "7"})

    assert verdict_of(answer) == Busy("429 slow down", 7.0, banned=banned)
    assert verdict_of(a_refusal(30016, status=status)) == Unanswered(f"HTTP {status}: 30016 no")
    assert verdict_of(a_refusal(30099, status=status)) == Unanswered(f"HTTP {status}: 30099 no")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("259201", 259200.0),
        ("9" * 5000, 259200.0),
        ("-1", None),
        ("1.5", None),
        ("nan", None),
        ("²", None),
        ("٣", None),
        ("", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_how_long_to_be_quiet_is_read_from_the_header(header: str, seconds: float | None) -> None:
    answer = an_answer(429, b'{"code": 429}', {"retry-after": header})

    assert verdict_of(answer) == Busy("429", seconds)


@pytest.mark.parametrize("status", [408, 409, 499])
def test_who_gave_up_waiting_does_not_know_whether_there_is_an_order(status: int) -> None:
    assert verdict_of(a_refusal(30016, status=status)) == Unanswered(f"HTTP {status}: 30016 no")


@pytest.mark.parametrize("msg", ["Duplicate newClientOrderId", "client order id already exists"])
def test_a_duplicate_means_that_there_may_be_an_order(msg: str) -> None:
    assert verdict_of(a_refusal(33333, msg)) == Unanswered(f"HTTP 400: 33333 {msg}")


def test_a_refusal_that_names_an_order_contradicts_itself() -> None:
    assert isinstance(verdict_of(a_refusal(30016, orderId="C02__1")), Unanswered)


def test_the_most_the_exchange_takes_is_read_from_its_words() -> None:
    assert verdict_of(a_refusal(30010, CAP)) == TooDear(f"30010 {CAP}", Decimal("0.05"))


def test_the_least_the_exchange_takes_is_read_from_its_words() -> None:
    assert verdict_of(a_refusal(30002, LEAST)) == WrongSize(Reason.SIZE_REFUSED, f"30002 {LEAST}", Decimal(1))


@pytest.mark.parametrize(
    ("message", "cap"),
    [
        (CAP, "0.05"),
        ("Order price cannot exceed 12USDC", "12"),
        ("Order price cannot exceed: 0.000000000001 USDT.", "0.000000000001"),
        ("Order price cannot exceed", None),
        ("Order price cannot exceed USDT", None),
        ("Order price cannot exceed 0USDT", None),
        ("Order price cannot exceed 0.000USDT", None),
        ("Order price cannot exceed -1USDT", None),
        ("Order price cannot exceed 1e-5USDT", None),
        ("Order price cannot exceed 1,000USDT", None),
        ("Order price cannot exceed ٣USDT", None),
        (f"Order price cannot exceed {'9' * 21}USDT", None),
        ("Order price cannot exceed NaNUSDT", None),
        ("0.05USDT", None),
    ],
)
def test_a_price_cap_is_a_plain_positive_number_of_dollars(message: str, cap: str | None) -> None:
    assert price_cap(message) == (None if cap is None else Decimal(cap))


@pytest.mark.parametrize(
    ("message", "least"),
    [
        (LEAST, "1"),
        ("cannot be less than: 5.5 USDC", "5.5"),
        ("cannot be less than:10ABC", None),
        ("cannot be less than:0USDT", None),
        (CAP, None),
    ],
)
def test_a_least_amount_counts_only_in_dollars(message: str, least: str | None) -> None:
    assert notional_min(message) == (None if least is None else Decimal(least))


@pytest.mark.parametrize("body", [b"{}", b'{"code": 200, "msg": "success"}', b'{"code": 0}', b'{"code": null}'])
def test_a_test_that_succeeds_objects_to_nothing(body: bytes) -> None:
    assert verdict_of_test(an_answer(200, body)) is None


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("status", [200, 400])
def test_a_refused_test_comes_to_the_verdict_of_its_code(code: int, status: int) -> None:
    expected = EXPECTED[code]
    if isinstance(expected, Refused):
        expected = Refused(Reason.ORDER_TEST_REJECTED, expected.detail, stop=expected.stop)
    if isinstance(expected, Unanswered):
        expected = Unsent(f"HTTP {status} without a judgement on the order")
    if status == 200 and code in (0, 200):
        assert verdict_of_test(a_refusal(code, status=status)) is None
        return

    assert verdict_of_test(a_refusal(code, status=status)) == expected


@pytest.mark.parametrize("status", [200, 202, 302, 404, 429, 500, 503])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"orderId": 1.5}'])
def test_a_test_that_nobody_judged_made_no_order_all_the_same(status: int, body: bytes) -> None:
    assert verdict_of_test(an_answer(status, body)) == Unsent(f"HTTP {status} without a judgement on the order")


def test_a_test_outside_the_white_list_says_that_the_keys_are_refused() -> None:
    assert verdict_of_test(an_answer(401, b"")) == Refused(Reason.ORDER_TEST_REJECTED, "HTTP 401", stop=True)
    assert verdict_of_test(an_answer(403, b"")) == Busy("HTTP 403", None)


def says_itself_that_there_is_no_order(answer: Answer) -> bool:
    """Tell whether *answer* is a 4xx whose JSON names a code, or one of the two that need none."""
    if not 400 <= answer.status < 500:
        return False
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        told = None
    code = told.get("code") if isinstance(told, dict) and told.get("orderId") is None else None
    if not isinstance(code, int) or (code in CODES and CODES[code].kind is Kind.UNANSWERED):
        return answer.status in (401, 403)
    return True


codes = st.sampled_from(sorted(CODES)) | st.integers()
bodies = st.one_of(
    st.binary(max_size=200),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {},
        optional={
            "code": codes | json_values,
            "msg": st.sampled_from([CAP, LEAST, "Duplicate"]) | st.text() | json_values,
            "orderId": st.text(max_size=70) | st.integers() | json_values,
            "data": json_values,
        },
    ).map(lambda value: json.dumps(value).encode()),
)


@given(status=STATUSES | st.integers(0, 1000), body=bodies, header=st.none() | st.text(max_size=10))
@example(status=400, body=b'{"code":' + b"9" * 5000 + b"}", header=None)
@example(status=200, body=b'{"orderId":' + b"9" * 5000 + b"}", header=None)
@example(status=400, body=b'{"code":1,"x":' + b"[" * 60_000, header=None)
@example(status=400, body=b'{"code":1,"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}", header=None)
@example(status=400, body=b'{"code":1,"msg":"\\ud800"}', header=None)
def test_whatever_comes_is_judged_and_only_the_exchange_itself_says_that_there_is_no_order(
    status: int, body: bytes, header: str | None
) -> None:
    answer = an_answer(status, body, {} if header is None else {"retry-after": header})

    verdict = verdict_of(answer)

    if isinstance(verdict, NO_ORDER):
        assert says_itself_that_there_is_no_order(answer)
    elif isinstance(verdict, Accepted):
        assert 200 <= status < 300
        assert str(json.loads(body)["orderId"]) == verdict.exchange_order_id
    else:
        assert isinstance(verdict, Unanswered)


@given(status=STATUSES | st.integers(0, 1000), body=bodies)
def test_whatever_comes_a_test_neither_makes_an_order_nor_leaves_one_in_doubt(status: int, body: bytes) -> None:
    verdict = verdict_of_test(an_answer(status, body))

    assert not isinstance(verdict, Accepted | Unanswered)
    assert verdict is not None or status == 200


@given(message=st.text() | st.from_regex(r"cannot exceed:? ?[0-9.,eE+-]{1,40} ?USDT"))
def test_a_price_cap_is_positive_and_of_a_size_that_can_be_computed_with(message: str) -> None:
    cap = price_cap(message)

    assert cap is None or (cap > 0 and abs(cap.adjusted()) <= 30)
