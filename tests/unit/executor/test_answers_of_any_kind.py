import json

from hypothesis import example, given
from hypothesis import strategies as st

from executor.model.send_result import Accepted, Rejected, Throttled, TimestampRefused, Unanswered
from executor.venues.error_codes import CODES, at_least, at_most, result_of_code
from executor.venues.response_classifier import result_of, result_of_test
from shared.mexc.orders.order_api import Answer
from tests.support.data.exchange_answers import CAP, LEAST, NO_ORDER, an_answer
from tests.support.data.strategies import json_values, steady

STATUSES = st.sampled_from([100, 200, 201, 204, 302, 307, 400, 401, 403, 404, 408, 409, 418, 429, 499, 500, 503, 510])


def proves(code: int, status: int) -> bool:
    """Return whether *code* proves that there is no order, under *status*."""
    verdict = result_of_code(code)
    if status == 401:
        return isinstance(verdict, TimestampRefused) or (isinstance(verdict, Rejected) and verdict.stop)
    return status == 400 and not isinstance(verdict, Throttled | Unanswered)


def says_itself_that_there_is_no_order(answer: Answer) -> bool:
    """Tell whether *answer* is the exchange's own refusal, for a reason that we know."""
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        return False
    code = told.get("code") if isinstance(told, dict) and told.get("orderId") is None else None
    return isinstance(code, int) and code in CODES and proves(code, answer.status)


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


@steady
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

    verdict = result_of(answer)

    if isinstance(verdict, NO_ORDER):
        assert says_itself_that_there_is_no_order(answer)
    elif isinstance(verdict, Accepted):
        assert 200 <= status < 300
        assert str(json.loads(body)["orderId"]) == verdict.exchange_order_id
    elif isinstance(verdict, Throttled):
        assert verdict.in_doubt
        assert 0 <= verdict.quiet_seconds <= 3 * 24 * 3600
    else:
        assert isinstance(verdict, Unanswered)


@steady
@given(status=STATUSES | st.integers(0, 1000), body=bodies)
def test_whatever_comes_a_test_neither_makes_an_order_nor_leaves_one_in_doubt(status: int, body: bytes) -> None:
    verdict = result_of_test(an_answer(status, body))

    assert not isinstance(verdict, Accepted | Unanswered)
    assert not (isinstance(verdict, Throttled) and verdict.in_doubt)
    assert verdict is not None or status == 200


@steady
@given(message=st.text() | st.from_regex(r"cannot exceed:? ?[0-9.,eE+-]{1,40} ?USDT"))
def test_a_price_cap_is_positive_and_of_a_size_that_can_be_computed_with(message: str) -> None:
    for number in (at_most(message), at_least(message)):
        assert number is None or (number > 0 and abs(number.adjusted()) <= 30)
