"""Requests in JSON, and the meaning of their answers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mexc.streams.control_frame import FrameError, answer_in, subscription, unsubscription
from tests.support.fakes.streams import answer, refusal


def test_answer_says_its_message() -> None:
    assert answer_in('{"id":0,"code":0,"msg":"PONG"}').msg == "PONG"


def test_grant_of_several_channels_names_each() -> None:
    assert answer_in(answer("a@X,b@Y")).grants() == {"a@X", "b@Y"}


def test_refusal_names_what_it_refuses_and_grants_none_of_it() -> None:
    refused = answer_in(answer(refusal(["a@X", "b@Y"])))

    assert refused.refuses() == {"a@X", "b@Y"}
    assert not refused.grants() & {"a@X", "b@Y"}


def test_requests_name_their_channels() -> None:
    assert json.loads(subscription({"b", "a"})) == {"method": "SUBSCRIPTION", "params": ["a", "b"], "id": 1}
    assert json.loads(unsubscription({"a"})) == {"method": "UNSUBSCRIPTION", "params": ["a"], "id": 2}


@pytest.mark.parametrize(
    "garbage", ["", "pong", "[]", '{"code":0}', '{"msg":null}', "{", "[" * 100_000, '{"msg":"\ud800"}']
)
def test_text_without_a_message_is_refused(garbage: str) -> None:
    with pytest.raises(FrameError):
        answer_in(garbage)


@given(st.text())
def test_no_text_raises_anything_else(garbage: str) -> None:
    try:
        said = answer_in(garbage)
    except FrameError:
        return
    assert isinstance(said.msg, str)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["id", "code", "msg", "data"]), JSON))
def test_values_of_wrong_types_are_refused_or_harmless(content: dict[str, object]) -> None:
    try:
        said = answer_in(json.dumps(content))
    except FrameError:
        return
    assert said.msg == content["msg"]
    assert isinstance(said.grants() | said.refuses(), frozenset)
