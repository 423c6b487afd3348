"""Unreadable messages among many readable ones."""

import json
from dataclasses import replace

from shared.bus.port import Message
from shared.wire.topology import DEAD_LETTERS, PERSISTER_LISTINGS, RAW, to_message
from tests.support.data.builders import a_raw_listing, a_trade
from tests.support.running.pipelines import dedup, pipeline, publish_all
from tests.support.running.services import emptying

GOOD = 1000


def an_envelope(**changes: object) -> bytes:
    return json.dumps(json.loads(to_message(a_raw_listing()).body) | changes).encode()


POISONS = {
    b"\xff{not json": "not JSON",
    b"": "not JSON",
    b"[]": "body",
    b"{" * 10_000: "not JSON",
    b"\0" * 2_000_000: "not JSON",
    an_envelope(specversion="9.0"): "specversion",
    an_envelope(type="sniper.listing.rumour"): "type: unknown event type 'sniper.listing.rumour'",
    an_envelope(data={"symbol": ["ABCUSDT"]}): "symbol",
    an_envelope(data="no data"): "data",
    to_message(a_trade()).body: "type: expected sniper.listing.raw, got sniper.trade",
}


def poison(body: bytes) -> Message:
    return replace(to_message(a_raw_listing()), exchange=RAW.name, body=body, message_id=f"poison-{hash(body)}")


async def test_poison_among_a_thousand_good_messages_is_buried_with_its_reason_and_harms_none(
    database_url: str, broker_url: str
) -> None:
    symbols = [f"GOOD{number}USDT" for number in range(GOOD)]
    messages = [to_message(a_raw_listing(symbol=symbol)) for symbol in symbols]
    for number, body in enumerate(POISONS):
        messages.insert(number * GOOD // len(POISONS), poison(body))

    async with (
        pipeline(database_url, broker_url, dedup) as runtime,
        emptying(runtime.bus, PERSISTER_LISTINGS) as listings,
        emptying(runtime.bus, DEAD_LETTERS) as dead,
    ):
        await publish_all(runtime.bus, messages)
        await listings.holds(GOOD)
        await dead.holds(len(POISONS))

    assert sorted(event.subject for event in listings.events) == sorted(symbols)
    buried = {message.body: reason for message, reason in zip(dead.messages, dead.reasons, strict=True)}
    assert len(dead.messages) == len(buried)
    assert {body: POISONS[body] in reason for body, reason in buried.items()} == dict.fromkeys(POISONS, True)
