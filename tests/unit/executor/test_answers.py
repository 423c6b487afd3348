import json
from decimal import Decimal

import pytest

from executor.answers import verdict_of
from executor.codes import CODES
from executor.reasons import Reason
from executor.verdicts import (
    Accepted,
    Busy,
    NotOpen,
    Refused,
    TooDear,
    Unanswered,
    Untimely,
    WrongSize,
)
from tests.exchange_answers import CAP, EXPECTED, LEAST, NO_ORDER, a_refusal, an_answer, stop

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


@pytest.mark.parametrize("status", [199, 300, 301, 399, 500])
@pytest.mark.parametrize("body", [b'{"orderId": "C02"}', b'{"code": 30016}'])
def test_no_status_beside_those_of_orders_and_refusals_says_anything(status: int, body: bytes) -> None:
    assert verdict_of(an_answer(status, body)) == Unanswered(f"HTTP {status}")


def test_success_without_an_order_id_says_nothing() -> None:
    assert verdict_of(an_answer(200, b"{}")) == Unanswered("HTTP 200 without an order id")


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
