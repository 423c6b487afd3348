from dataclasses import replace

import pytest

from executor.model.reasons import Reason
from executor.model.send_result import Rejected, Throttled, Unanswered, Unsent
from executor.venues.error_codes import CODES
from executor.venues.response_classifier import result_of_test
from tests.support.data.exchange_answers import EXPECTED, a_refusal, an_answer


@pytest.mark.parametrize("body", [b"{}", b'{"code": 200, "msg": "success"}', b'{"code": 0}', b'{"code": null}'])
def test_a_test_that_succeeds_objects_to_nothing(body: bytes) -> None:
    assert result_of_test(an_answer(200, body)) is None


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("status", [200, 400])
def test_a_refused_test_comes_to_the_verdict_of_its_code(code: int, status: int) -> None:
    expected = EXPECTED[code]
    if isinstance(expected, Rejected):
        expected = Rejected(Reason.ORDER_TEST_REJECTED, expected.detail, stop=expected.stop)
    if isinstance(expected, Unanswered):
        expected = Unsent(f"HTTP {status} without a judgement on the order")
    if isinstance(expected, Throttled):
        expected = replace(expected, in_doubt=False)
    if status == 200 and code in (0, 200):
        assert result_of_test(a_refusal(code, status=status)) is None
        return

    assert result_of_test(a_refusal(code, status=status)) == expected


@pytest.mark.parametrize("status", [200, 202, 302, 404, 500, 503])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"orderId": 1.5}'])
def test_a_test_that_nobody_judged_made_no_order_all_the_same(status: int, body: bytes) -> None:
    assert result_of_test(an_answer(status, body)) == Unsent(f"HTTP {status} without a judgement on the order")


def test_a_test_outside_the_white_list_says_that_the_keys_are_refused() -> None:
    assert result_of_test(an_answer(401, b"")) == Rejected(Reason.ORDER_TEST_REJECTED, "HTTP 401", stop=True)
    assert result_of_test(an_answer(403, b"")) == Throttled("HTTP 403", None, in_doubt=False)
