"""Answers compared with the requests."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mexc.streams.control_frame import UNSUBSCRIPTION_ID, Answer
from shared.mexc.streams.subscriptions import Subscriptions
from tests.support.fakes.streams import refusal


@pytest.fixture
def subscriptions() -> Subscriptions:
    return Subscriptions(answer_seconds=10, retry_seconds=lambda refusal: 2.0**refusal)


def requests(texts: list[str]) -> list[tuple[str, list[str]]]:
    return [(json.loads(text)["method"], json.loads(text)["params"]) for text in texts]


def test_channels_are_asked_for_together_and_once(subscriptions: Subscriptions) -> None:
    assert requests(subscriptions.due({"a", "b"}, now=0)) == [("SUBSCRIPTION", ["a", "b"])]
    assert subscriptions.due({"a", "b"}, now=9) == []


def test_grant_covers_the_channels_it_names_and_no_others(subscriptions: Subscriptions) -> None:
    subscriptions.due({"a", "b", "c"}, now=0)

    assert not subscriptions.answered(Answer("a,b"), now=0)

    assert subscriptions.covers({"a", "b"})
    assert not subscriptions.covers({"a", "b", "c"})


def test_channel_left_out_of_the_answer_is_asked_for_again_by_itself(subscriptions: Subscriptions) -> None:
    subscriptions.due({"a", "b", "c"}, now=0)
    subscriptions.answered(Answer("a,b"), now=0)

    assert requests(subscriptions.due({"a", "b", "c"}, now=10)) == [("SUBSCRIPTION", ["c"])]


def test_refusal_of_a_part_has_each_channel_asked_for_by_itself_at_once(subscriptions: Subscriptions) -> None:
    subscriptions.due({"a", "b"}, now=0)

    assert subscriptions.answered(Answer(refusal(["b"])), now=1)

    assert not subscriptions.is_refused()
    assert requests(subscriptions.due({"a", "b"}, now=1)) == [("SUBSCRIPTION", ["a"]), ("SUBSCRIPTION", ["b"])]


def test_channel_refused_by_itself_is_tried_again_later_and_later(subscriptions: Subscriptions) -> None:
    subscriptions.due({"a"}, now=0)

    subscriptions.answered(Answer(refusal(["a"])), now=0)
    assert subscriptions.due({"a"}, now=0.9) == []
    assert subscriptions.due({"a"}, now=1)

    subscriptions.answered(Answer(refusal(["a"])), now=1)
    assert subscriptions.due({"a"}, now=2.9) == []
    assert subscriptions.due({"a"}, now=3)


def test_refusal_says_nothing_of_the_other_channels(subscriptions: Subscriptions) -> None:
    subscriptions.due({"a"}, now=0)
    subscriptions.due({"a", "b"}, now=0)

    subscriptions.answered(Answer(refusal(["b"])), now=0)
    assert not subscriptions.is_refused()

    subscriptions.answered(Answer("a"), now=0)
    assert subscriptions.covers({"a"})


def test_nothing_is_hopeless_until_each_channel_was_refused_by_itself(subscriptions: Subscriptions) -> None:
    subscriptions.due({"a", "b"}, now=0)
    subscriptions.answered(Answer(refusal(["a", "b"])), now=0)
    subscriptions.due({"a", "b"}, now=0)

    subscriptions.answered(Answer(refusal(["a"])), now=0)
    assert not subscriptions.is_refused()
    subscriptions.answered(Answer(refusal(["b"])), now=0)
    assert subscriptions.is_refused()


def test_refusal_that_names_no_channel_refuses_what_is_asked(subscriptions: Subscriptions) -> None:
    subscriptions.due({"a"}, now=0)

    assert subscriptions.answered(Answer("msg format invalid"), now=0)
    assert subscriptions.is_refused()


def test_channel_not_wanted_any_more_is_given_up(subscriptions: Subscriptions) -> None:
    subscriptions.due({"a", "b"}, now=0)
    subscriptions.answered(Answer("a,b"), now=0)

    assert requests(subscriptions.due({"b", "c"}, now=1)) == [("UNSUBSCRIPTION", ["a"]), ("SUBSCRIPTION", ["c"])]
    assert not subscriptions.covers({"a"})


def test_answer_to_giving_a_channel_up_does_not_grant_it(subscriptions: Subscriptions) -> None:
    subscriptions.due({"a"}, now=0)
    subscriptions.answered(Answer("a"), now=0)
    subscriptions.due(set(), now=1)
    subscriptions.due({"a"}, now=1)

    assert not subscriptions.answered(Answer("a", id=UNSUBSCRIPTION_ID), now=1)
    assert not subscriptions.covers({"a"})


def test_words_out_of_the_blue_refuse_nothing(subscriptions: Subscriptions) -> None:
    assert not subscriptions.answered(Answer("maintenance at noon"), now=0)


@given(st.data())
def test_whatever_is_answered_every_channel_is_granted_in_the_end(data: st.DataObject) -> None:
    """An exchange that grants, refuses, or ignores at will, and then comes to its senses."""
    subscriptions = Subscriptions(answer_seconds=10, retry_seconds=lambda refusal: min(2.0**refusal, 30))
    wanted = set("abcde")
    now = 0.0
    for step in range(40):
        now += 31
        for _, channels in requests(subscriptions.due(wanted, now)):
            granted = set(data.draw(st.sets(st.sampled_from(channels)))) if step < 10 else set(channels)
            refused = set(channels) - granted
            said = refusal(refused) if refused else ",".join(channels)
            if step >= 10 or data.draw(st.booleans()):
                subscriptions.answered(Answer(said), now)

    assert subscriptions.covers(wanted)
