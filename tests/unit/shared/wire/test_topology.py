import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.port import Message, matches
from shared.errors import PermanentError
from shared.events import ListingRescheduled
from shared.wire import topology
from shared.wire.cloudevents import CONTENT_TYPE, decode
from shared.wire.topology import PipelineEvent, require_own_route, to_message
from tests.support.data.builders import a_health, a_listing, a_raw_listing, a_trade
from tests.support.data.strategies import steady

RESCHEDULED = ListingRescheduled.model_validate(a_listing().model_dump())

words = st.sampled_from(["raw", "trade", "live"])
routing_keys = st.lists(words, min_size=1, max_size=5).map(".".join)
patterns = st.lists(words | st.sampled_from(["*", "#"]), min_size=1, max_size=5).map(".".join)


def queues_of(message: Message) -> set[str]:
    return {
        queue.name
        for queue in topology.QUEUES
        for binding in queue.bindings
        if binding.exchange.name == message.exchange and matches(binding.pattern, message.routing_key)
    }


@pytest.mark.parametrize(
    ("event", "exchange", "routing_key", "queues"),
    [
        (a_raw_listing(), "sniper.raw", "raw.mexc_websocket", {"dedup.raw"}),
        (a_raw_listing(source="mexc_rest_api"), "sniper.raw", "raw.mexc_rest_api", {"dedup.raw"}),
        (a_raw_listing(source="test_injection"), "sniper.raw", "raw.test_injection", {"dedup.raw"}),
        (a_listing(), "sniper.events", "listing.detected", {"executor.listings", "persister.listings"}),
        (RESCHEDULED, "sniper.events", "listing.rescheduled", {"executor.openings"}),
        (a_trade(), "sniper.events", "trade.dry-run.filled", {"persister.trades"}),
        (a_trade(mode="live", status="rejected"), "sniper.events", "trade.live.rejected", {"persister.trades"}),
        (a_health(), "sniper.events", "health.executor", {"persister.health"}),
    ],
)
def test_an_event_goes_to_those_who_want_it(
    event: PipelineEvent, exchange: str, routing_key: str, queues: set[str]
) -> None:
    message = to_message(event)

    assert (message.exchange, message.routing_key) == (exchange, routing_key)
    assert queues_of(message) == queues | {"sniper.archive"}


def test_a_message_carries_its_event_and_the_event_s_id() -> None:
    event = a_raw_listing(id="r1")
    message = to_message(event)

    assert decode(message.body) == event
    assert (message.message_id, message.content_type) == ("r1", CONTENT_TYPE)


def test_queue_and_exchange_names_are_unique() -> None:
    queues = [queue.name for queue in topology.QUEUES]
    exchanges = [exchange.name for exchange in topology.EXCHANGES]

    assert len(set(queues)) == len(queues)
    assert len(set(exchanges)) == len(exchanges)


def test_a_stale_listing_dies_before_the_executor() -> None:
    assert topology.EXECUTOR_LISTINGS.time_to_live is not None


def test_news_about_an_opening_does_not_expire_as_a_listing_does() -> None:
    assert topology.EXECUTOR_OPENINGS.time_to_live is None


@pytest.mark.parametrize(
    ("pattern", "routing_key", "covered"),
    [
        ("trade.live.filled", "trade.live.filled", True),
        ("trade.live.filled", "trade.live", False),
        ("trade.live", "trade.live.filled", False),
        ("trade.*", "trade.live", True),
        ("trade.*", "trade", False),
        ("trade.*", "trade.live.filled", False),
        ("*.live.*", "trade.live.filled", True),
        ("trade.#", "trade", True),
        ("trade.#", "trade.live.filled", True),
        ("trade.#", "trades.live", False),
        ("#", "trade.live.filled", True),
        ("#.filled", "trade.live.filled", True),
        ("#.filled", "filled", True),
        ("#.live.#", "trade.live.filled", True),
        ("#.live.#", "trade.filled", False),
        ("trade.#.filled", "trade.filled", True),
        ("*.#", "trade", True),
        ("#.*", "trade.live", True),
        ("tr*", "trade", False),
        ("trade.liv.", "trade.live", False),
    ],
)
def test_patterns_cover_what_amqp_says(pattern: str, routing_key: str, covered: bool) -> None:
    assert matches(pattern, routing_key) is covered


@steady
@given(patterns, routing_keys)
def test_patterns_agree_with_a_regular_expression_of_the_rule(pattern: str, routing_key: str) -> None:
    rule = {"*": r"[^.]+\.", "#": r"(?:[^.]+\.)*"}
    expression = "".join(rule.get(word, rf"{word}\.") for word in pattern.split("."))

    assert matches(pattern, routing_key) is bool(re.fullmatch(expression, f"{routing_key}."))


FORGED = [
    (to_message(a_raw_listing()), "raw.test_injection"),
    (to_message(a_health(component="exits")), "health.notifier"),
    (to_message(a_trade()), "trade.live.filled"),
    (to_message(RESCHEDULED), "listing.detected"),
]


@pytest.mark.parametrize(("message", "routing_key"), FORGED, ids=[key for _, key in FORGED])
def test_an_event_that_came_by_the_way_of_another_is_refused(message: Message, routing_key: str) -> None:
    """What a user may publish is a matter of the key alone."""
    event = decode(message.body)

    require_own_route(event, message)
    with pytest.raises(PermanentError, match=f"came as {routing_key} of {message.exchange}"):
        require_own_route(event, replace(message, routing_key=routing_key))


def test_an_event_that_was_put_into_a_queue_itself_came_by_no_way() -> None:
    event = a_raw_listing()

    require_own_route(event, replace(to_message(event), exchange="", routing_key="dedup.raw"))
