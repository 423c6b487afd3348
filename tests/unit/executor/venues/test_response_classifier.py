import json
from dataclasses import replace
from decimal import Decimal

import pytest

from executor.model.reasons import Reason
from executor.model.send_result import (
    Accepted,
    NotOpen,
    PriceRefused,
    Rejected,
    Throttled,
    TimestampRefused,
    Unanswered,
    WrongSize,
)
from executor.venues.error_codes import CODES, result_of_code
from executor.venues.response_classifier import result_of
from tests.support.data.exchange_answers import CAP, EXPECTED, LEAST, NO_ORDER, a_refusal, an_answer, stop

DEFINITIVE = (
    *(10101, 30004, 30005),
    *(30000, 30001, 30014, 30016, 30018, 30019, 30020, 30021, 30027, 30029, 30032, 30041),
    *(700001, 700002, 700003, 700004, 700005, 700006, 700007, 700008, 10072, 602, 26, 70011),
)
"""Those that prove that no order exists, by what the exchange guarantees."""


@pytest.mark.parametrize("code", CODES)
def test_each_code_comes_to_its_verdict(code: int) -> None:
    assert result_of(a_refusal(code)) == EXPECTED[code]


def test_no_code_is_missing() -> None:
    assert set(EXPECTED) == set(CODES)


@pytest.mark.parametrize("code", DEFINITIVE)
def test_what_proves_that_no_order_exists_is_not_looked_up(code: int) -> None:
    assert isinstance(result_of(a_refusal(code)), NO_ORDER)


@pytest.mark.parametrize("code", [30099, 99999, -1003, -9999, 1, 2**70])
@pytest.mark.parametrize("msg", ["Something new", "being processed, query later", "timeout", "system busy", None])
def test_a_code_that_no_table_knows_proves_nothing(code: int, msg: str | None) -> None:
    assert isinstance(result_of(a_refusal(code, msg)), Unanswered)


@pytest.mark.parametrize(
    "msg",
    [
        "Order is being processed, query later",
        "request timeout",
        "Timed out waiting for the matching engine",
        "System busy",
        "still processing",
    ],
)
@pytest.mark.parametrize("code", [30016, 33333, 10098, 30005, 30010, 700003])
def test_words_that_contradict_a_known_refusal_leave_it_in_doubt(code: int, msg: str) -> None:
    assert result_of(a_refusal(code, msg)) == Unanswered(f"HTTP 400: {code} {msg}")


@pytest.mark.parametrize("status", [402, 404, 405, 410, 413, 422, 451])
@pytest.mark.parametrize("code", CODES)
def test_a_known_code_under_a_status_that_is_not_the_exchanges_for_refusals_proves_nothing(
    code: int, status: int
) -> None:
    assert isinstance(result_of(a_refusal(code, status=status)), Unanswered)


@pytest.mark.parametrize("status", [403, 418, 429])
@pytest.mark.parametrize("code", CODES)
def test_an_exchange_that_keeps_us_out_may_have_taken_the_order_whatever_the_code(code: int, status: int) -> None:
    verdict = result_of(a_refusal(code, status=status))

    if isinstance(known := result_of_code(code), Rejected) and known.stop:
        assert verdict == Unanswered(f"HTTP {status}: {code} no", stop=True)
    else:
        banned = 418 in (status, code)
        assert verdict == Throttled(f"HTTP {status}: {code} no", None, banned=banned, in_doubt=True)


def test_a_refusal_may_lack_a_message() -> None:
    assert result_of(a_refusal(30016, None)) == NotOpen("30016")
    assert result_of(an_answer(400, b'{"code": 30016}')) == NotOpen("30016")
    assert result_of(a_refusal(30010, None)) == PriceRefused("30010", None)
    assert result_of(a_refusal(30002, None)) == WrongSize(Reason.SIZE_REFUSED, "30002")


@pytest.mark.parametrize("status", [199, 300, 301, 399, 500])
@pytest.mark.parametrize("body", [b'{"orderId": "C02"}', b'{"code": 30016}'])
def test_no_status_beside_those_of_orders_and_refusals_says_anything(status: int, body: bytes) -> None:
    assert result_of(an_answer(status, body)) == Unanswered(f"HTTP {status}")


def test_success_without_an_order_id_says_nothing() -> None:
    assert result_of(an_answer(200, b"{}")) == Unanswered("HTTP 200 without an order id")


@pytest.mark.parametrize("order_id", ["C02__510861197621391376028", 510861197621391376028, "0f" * 32, 0])
@pytest.mark.parametrize("status", [200, 201, 299])
def test_an_order_id_is_an_order(order_id: str | int, status: int) -> None:
    body = json.dumps({"symbol": "ABCUSDT", "orderId": order_id, "orderListId": -1, "price": None}).encode()

    assert result_of(an_answer(status, body)) == Accepted(str(order_id))


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
    assert isinstance(result_of(an_answer(200, body)), Unanswered)


@pytest.mark.parametrize("status", [100, 301, 302, 307, 308, 500, 502, 503, 504, 510, 599, 0, 600])
@pytest.mark.parametrize("body", [b"", b"{}", b'{"code": 30016}', b'{"code": 429}', b'{"orderId": "C02__1"}'])
def test_neither_success_nor_refusal_may_have_made_an_order(status: int, body: bytes) -> None:
    assert result_of(an_answer(status, body)) == Unanswered(f"HTTP {status}")


@pytest.mark.parametrize("status", [400, 404, 405, 413, 422, 451])
@pytest.mark.parametrize(
    "body", [b"", b"Denied", b"{}", b'{"msg": "no"}', b'{"code": "30016"}', b'{"code": 1.5}', b"[1]"]
)
def test_a_refusal_without_the_exchanges_code_may_have_made_an_order(status: int, body: bytes) -> None:
    assert result_of(an_answer(status, body)) == Unanswered(f"HTTP {status}")


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"msg": "unauthorized"}'])
def test_401_halts_trading_whatever_it_says_but_without_a_known_code_proves_nothing(body: bytes) -> None:
    assert result_of(an_answer(401, body)) == Unanswered("HTTP 401", stop=True)


def test_401_refuses_our_keys_where_its_code_says_so() -> None:
    assert result_of(a_refusal(700002, status=401)) == stop(700002)
    assert result_of(a_refusal(700003, status=401)) == TimestampRefused("700003 no")
    assert result_of(a_refusal(4711, status=401)) == Unanswered("HTTP 401: 4711 no", stop=True)
    assert result_of(a_refusal(30016, status=401)) == Unanswered("HTTP 401: 30016 no", stop=True)


@pytest.mark.parametrize(("status", "banned"), [(403, False), (429, False), (418, True)])
@pytest.mark.parametrize("body", [b"", b"<html>Reference #18.2d3e</html>", b"{}", b'{"code": "30016"}', b"[1]"])
def test_an_exchange_that_keeps_us_out_is_left_alone_for_as_long_as_it_says(
    status: int, body: bytes, *, banned: bool
) -> None:
    assert result_of(an_answer(status, body)) == Throttled(f"HTTP {status}", None, banned=banned)
    assert result_of(an_answer(status, body, {"retry-after": "1.5"})) == Throttled(f"HTTP {status}", 1.5, banned=banned)


def test_too_many_requests_in_json_alone_prove_nothing_either() -> None:
    assert result_of(a_refusal(429, "slow down")) == Throttled("429 slow down", None, in_doubt=True)
    assert result_of(a_refusal(418, "banned")) == Throttled("418 banned", None, banned=True, in_doubt=True)


@pytest.mark.parametrize(("code", "banned"), [(429, False), (418, True)])
def test_a_ban_told_under_200_leaves_the_order_in_doubt_and_is_kept(code: int, *, banned: bool) -> None:
    verdict = result_of(an_answer(200, b'{"code": %d, "msg": "no"}' % code, {"retry-after": "7"}))

    assert verdict == Unanswered(
        "HTTP 200 without an order id", throttled=Throttled(f"{code} no", 7.0, banned=banned, in_doubt=True)
    )


@pytest.mark.parametrize(("status", "msg"), [(404, "no"), (400, "system busy")])
def test_a_ban_told_beside_words_or_a_status_that_prove_nothing_is_kept(status: int, msg: str) -> None:
    verdict = result_of(a_refusal(418, msg, status=status))

    assert verdict == Unanswered(f"HTTP {status}: 418 {msg}", throttled=Throttled(f"418 {msg}", None, banned=True))


def test_a_ban_that_names_no_time_is_long_and_any_other_quiet_short() -> None:
    assert Throttled("418", None, banned=True).quiet_seconds == 120
    assert Throttled("429", None).quiet_seconds == 1
    assert Throttled("418", 0.0, banned=True).quiet_seconds == 0


def test_how_long_to_be_quiet_may_be_a_moment_counted_from_the_answers_date() -> None:
    headers = {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:27:00 GMT"}

    assert result_of(an_answer(429, b"", headers)) == Throttled("HTTP 429", 60.0)


@pytest.mark.parametrize("status", [408, 409, 499])
def test_who_gave_up_waiting_does_not_know_whether_there_is_an_order(status: int) -> None:
    assert result_of(a_refusal(30016, status=status)) == Unanswered(f"HTTP {status}: 30016 no")


@pytest.mark.parametrize("msg", ["Duplicate newClientOrderId", "client order id already exists"])
def test_a_duplicate_means_that_there_may_be_an_order(msg: str) -> None:
    assert result_of(a_refusal(33333, msg)) == Unanswered(f"HTTP 400: 33333 {msg}")


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_refusal_that_names_an_order_contradicts_itself(status: int) -> None:
    assert isinstance(result_of(a_refusal(30016, status=status, orderId="C02__1")), Unanswered)


def test_the_most_the_exchange_takes_is_read_from_its_words() -> None:
    assert result_of(a_refusal(30010, CAP)) == PriceRefused(f"30010 {CAP}", Decimal("0.05"))


def test_the_least_the_exchange_takes_is_read_from_its_words() -> None:
    assert result_of(a_refusal(30002, LEAST)) == WrongSize(Reason.SIZE_REFUSED, f"30002 {LEAST}", Decimal(1))


@pytest.mark.parametrize("msg", [" amount scale is invalid", "quantity scale is invalid", "Price Precision is wrong"])
def test_too_many_digits_under_the_code_of_a_missing_key_halt_nothing(msg: str) -> None:
    assert result_of(a_refusal(400, msg)) == WrongSize(Reason.SIZE_REFUSED, f"400 {msg}", of_digits=True)


def test_those_words_change_no_other_code_and_prove_nothing_under_another_status() -> None:
    assert result_of(a_refusal(401, "quantity scale is invalid")) == replace(
        stop(401), detail="401 quantity scale is invalid"
    )
    assert result_of(a_refusal(400, "quantity scale is invalid", status=401)) == Unanswered(
        "HTTP 401: 400 quantity scale is invalid", stop=True
    )
