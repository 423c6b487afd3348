import pytest

from executor.answers import objection
from executor.order import Miss
from shared.events import TradeStatus
from shared.mexc.order_transport import Answer
from tests.builders import NOON


def an_answer(status: int, body: bytes) -> Answer:
    return Answer(status, {}, body, NOON, 0.01)


@pytest.mark.parametrize("body", [b"{}", b'{"code": 200, "msg": "success"}', b'{"code": 0}'])
def test_a_success_is_no_objection(body: bytes) -> None:
    assert objection(an_answer(200, body)) is None


@pytest.mark.parametrize("status", [200, 400, 403])
def test_a_refusal_is_told_with_its_code_and_message(status: int) -> None:
    body = b'{"code": 10007, "msg": "symbol not support api", "_extend": null}'

    assert objection(an_answer(status, body)) == Miss(
        TradeStatus.REJECTED, "order_test_rejected: 10007 symbol not support api"
    )


def test_a_refusal_may_lack_a_message() -> None:
    assert objection(an_answer(400, b'{"code": 30004}')) == Miss(TradeStatus.REJECTED, "order_test_rejected: 30004")


@pytest.mark.parametrize("status", [418, 429, 500, 503, 504])
def test_an_exchange_that_does_not_judge_is_unavailable(status: int) -> None:
    # MEXC repeats the status as the code there, which is no judgement on the order.
    answer = an_answer(status, b'{"code": %d, "msg": "busy"}' % status)

    assert objection(answer) == Miss(TradeStatus.FAILED, f"exchange_unavailable: HTTP {status}")


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b""), (200, b"<html></html>"), (200, b"[]"), (200, b'"\xff"'), (403, b"Access Denied"), (302, b"{}")],
)
def test_an_answer_that_is_not_the_exchanges_is_unavailable(status: int, body: bytes) -> None:
    found = objection(an_answer(status, body))

    assert found is not None
    assert found.status is TradeStatus.FAILED
    assert found.error_reason.startswith(f"exchange_unavailable: HTTP {status}")


def test_a_message_is_cut_to_a_short_printable_line() -> None:
    found = objection(an_answer(400, b'{"code": 1, "msg": "a\\u0000b\\nc%s"}' % (b"x" * 5000)))

    assert found is not None
    assert found.error_reason.startswith("order_test_rejected: 1 abcx")
    assert len(found.error_reason) < 250
