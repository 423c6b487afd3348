import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import PermanentError
from shared.events import CLOCK_TOLERANCE, Event, RawListing, refuse_future
from shared.wire.cloudevents import CONTENT_TYPE, decode, encode
from tests.support.data import strategies
from tests.support.data.builders import NOON, a_health, a_listing, a_raw_listing, a_trade

SYMBOL_REFUSED = "Invalid symbol format"
SOURCE_REFUSED = "source must be: mexc_websocket, mexc_rest_api, or test_injection"


def envelope(event: Event) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(encode(event))
    return parsed


def with_data(event: Event, **changes: Any) -> bytes:
    cloud_event = envelope(event)
    cloud_event["data"] |= changes
    return json.dumps(cloud_event).encode()


def refusal_of(body: bytes) -> str:
    with pytest.raises(PermanentError) as refused:
        decode(body)
    return str(refused.value)


@strategies.steady
@given(strategies.events)
def test_an_event_is_read_as_it_was_written(event: Event) -> None:
    assert decode(encode(event)) == event


def test_fields_of_a_newer_producer_are_ignored() -> None:
    event = a_trade()
    cloud_event = envelope(event) | {"traceparent": "00-1"}
    cloud_event["data"] |= {"invented_later": 1}
    cloud_event["data"]["config"] |= {"invented_later": 1}

    assert decode(json.dumps(cloud_event).encode()) == event


@pytest.mark.parametrize(
    ("event", "attributes"),
    [
        (
            a_raw_listing(id="r1"),
            {
                "id": "r1",
                "source": "/ingest",
                "type": "sniper.listing.raw",
                "subject": "ABCUSDT",
                "time": "2026-03-02T12:00:00.001000Z",
                "dataschema": "urn:sniper:listing:raw:1",
            },
        ),
        (
            a_listing(),
            {
                "id": "ABCUSDT:1:detected",
                "source": "/dedup",
                "type": "sniper.listing.detected",
                "subject": "ABCUSDT",
                "time": "2026-03-02T12:00:00.004000Z",
                "dataschema": "urn:sniper:listing:detected:1",
            },
        ),
        (
            a_trade(id="t1"),
            {
                "id": "t1",
                "source": "/executor",
                "type": "sniper.trade",
                "subject": "ABCUSDT",
                "time": "2026-03-02T12:00:00.020000Z",
                "dataschema": "urn:sniper:trade:1",
            },
        ),
        (
            a_health(id="h1"),
            {
                "id": "h1",
                "source": "/health",
                "type": "sniper.health",
                "subject": "executor",
                "time": "2026-03-02T12:00:00Z",
                "dataschema": "urn:sniper:health:1",
            },
        ),
    ],
    ids=["raw", "listing", "trade", "health"],
)
def test_an_event_is_a_structured_cloud_event(event: Event, attributes: dict[str, str]) -> None:
    always = {"specversion": "1.0", "datacontenttype": "application/json"}
    found = envelope(event)
    del found["data"]

    assert found == always | attributes
    assert CONTENT_TYPE == "application/cloudevents+json"


def test_money_travels_as_text() -> None:
    assert envelope(a_trade(quote_qty="0.10"))["data"]["quote_qty"] == "0.10"


@pytest.mark.parametrize(
    "symbol",
    ["AB", "A" * 21, "ABC-USDT", "ABC USDT", "ABCUSDT\n", "ÄBC²USDT", "ABC\u202eUSDT", "币🐉USDT", ""],
)
def test_a_symbol_that_none_can_have_is_refused(symbol: str) -> None:
    assert refusal_of(with_data(a_raw_listing(), symbol=symbol)) == SYMBOL_REFUSED


@pytest.mark.parametrize("symbol", ["ABC", "A" * 20, "abc_USDT", "1000X"])
def test_a_symbol_within_the_rule_is_accepted(symbol: str) -> None:
    event = decode(with_data(a_raw_listing(), symbol=symbol))

    assert isinstance(event, RawListing)
    assert event.symbol == symbol


@pytest.mark.parametrize("source", ["binance", "", None, 7, "MEXC_WEBSOCKET"])
def test_a_source_that_is_not_one_of_ours_is_refused(source: object) -> None:
    assert refusal_of(with_data(a_raw_listing(), source=source)) == SOURCE_REFUSED


def test_a_listing_from_the_future_is_refused() -> None:
    with pytest.raises(PermanentError, match=r"^listed_at cannot be in the future$"):
        refuse_future(NOON + CLOCK_TOLERANCE + timedelta(microseconds=1), now=NOON)


def test_a_clock_slightly_ahead_of_ours_is_not_the_future() -> None:
    refuse_future(NOON + CLOCK_TOLERANCE, now=NOON)


@pytest.mark.parametrize(
    ("event", "changes", "refusal"),
    [
        (a_raw_listing(), {"listed_at": "2026-03-02T12:00:00"}, "listed_at: Input should have timezone info"),
        (a_raw_listing(), {"occurrence": 0}, "occurrence: Input should be greater than or equal to 1"),
        (a_trade(), {"latency_ms": -1}, "latency_ms: Input should be greater than or equal to 0"),
        (a_trade(), {"quote_qty": "NaN"}, "quote_qty: Input should be a finite number"),
        (a_trade(), {"base_qty": "Infinity"}, "base_qty: Input should be a finite number"),
        # No column holds these, and what carries them there would store another number without a word.
        (a_trade(), {"base_qty": "1E+200000"}, "base_qty: Decimal input should have no more than 40 digits in total"),
        (a_trade(), {"base_qty": "1E-20000"}, "base_qty: Decimal input should have no more than 40 digits in total"),
        (a_trade(), {"mode": "paper"}, "mode: Input should be 'dry-run' or 'live'"),
    ],
)
def test_a_refusal_names_the_field(event: Event, changes: dict[str, Any], refusal: str) -> None:
    assert refusal_of(with_data(event, **changes)) == refusal


def test_a_refusal_repeats_no_value() -> None:
    assert "c4n4ry" not in refusal_of(with_data(a_trade(), mode="c4n4ry", quote_qty="c4n4ry", symbol="c4n4ry-"))


def test_an_unknown_type_is_refused_by_name() -> None:
    body = json.dumps(envelope(a_trade()) | {"type": "sniper.other"}).encode()

    assert refusal_of(body) == "type: unknown event type 'sniper.other'"


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"id": "\\ud800"}', b"1" * 10_000],
    ids=["empty", "null", "list", "cut", "not utf-8", "deep", "surrogate", "long number"],
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    refusal_of(body)


@strategies.steady
@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_be_refused(body: bytes) -> None:
    refusal_of(body)


@strategies.steady
@given(strategies.events, st.data())
def test_no_value_in_a_field_does_worse_than_be_refused(event: Event, data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(sorted(envelope(event)["data"])))

    try:
        decode(with_data(event, **{field: data.draw(strategies.json_values)}))
    except PermanentError:
        return


def test_events_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        a_raw_listing().symbol = "XYZUSDT"  # type: ignore[misc]
