"""What other publishers may put beside a message's body: of any type, in any shape, and none of it ends a consumer."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aio_pika.abc import AbstractIncomingMessage

from shared.bus import delivery
from shared.bus.rabbitmq.message import MESSAGE_ID, attempt, from_amqp

DEATH = {"reason": "expired", "queue": "q", "exchange": "e", "routing-keys": ["listing.detected"]}


def incoming(headers: dict[str, Any] | None = None, **properties: Any) -> AbstractIncomingMessage:
    known = {"message_id": "m", "content_type": "application/json", "type": "t", "exchange": "e", "routing_key": "r"}
    fields = {"body": b"ABC", "redelivered": False, **known, **properties, "headers": headers or {}}
    return cast("AbstractIncomingMessage", SimpleNamespace(**fields))


def test_what_the_broker_says_of_a_death_is_read() -> None:
    assert from_amqp(incoming({"x-death": [DEATH]})).headers == {
        delivery.REASON: "expired",
        delivery.QUEUE: "q",
        delivery.ORIGINAL_EXCHANGE: "e",
        delivery.ORIGINAL_ROUTING_KEY: "listing.detected",
    }


@pytest.mark.parametrize(
    "deaths",
    [
        ["x"],
        [None],
        [[]],
        [{}],
        [{name: DEATH[name] for name in DEATH if name != "queue"}],
        [DEATH | {"routing-keys": []}],
        [DEATH | {"routing-keys": None}],
        [DEATH | {"routing-keys": 7}],
        [DEATH | {"routing-keys": {"a": 1}}],
        "x",
        7,
        {"queue": "q"},
    ],
    ids=repr,
)
def test_what_is_no_death_is_left_out(deaths: object) -> None:
    message = from_amqp(incoming({"x-death": deaths, "kept": "yes"}))

    assert message.headers["kept"] == "yes"
    assert all(isinstance(value, str) for value in message.headers.values())


@pytest.mark.parametrize("odd", [None, 7, b"\xff", ["x"], {"a": 1}], ids=repr)
def test_headers_of_other_types_are_left_out(odd: object) -> None:
    headers = {"a": odd, "traceparent": odd, MESSAGE_ID: odd, delivery.REASON: odd}
    message = from_amqp(incoming(headers, message_id=None, content_type=None, type=None, exchange=None))

    assert (message.message_id, message.content_type, message.type) == ("", "application/octet-stream", "")
    assert (message.exchange, message.headers) == ("", {})


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, 1), (3, 4), (None, 1), ("3", 1), (True, 1), (-5, 1), (2.5, 1), ([3], 1)],
    ids=repr,
)
def test_only_a_count_counts_deliveries(count: object, expected: int) -> None:
    assert attempt(incoming({"x-delivery-count": count})) == expected


def test_without_a_count_a_redelivery_is_the_second() -> None:
    assert attempt(incoming(redelivered=True)) == 2
