"""Test listings over the API, in the words of the data model."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest

from shared.errors import TransientError
from shared.events import RawListing, Source, utc_now
from shared.wire.cloudevents import decode
from tests.support.data import rows
from tests.support.data.builders import NOON
from tests.support.running.serving_api import ServedApi, serving_api

NO_TIME: Final = "must be a time as RFC 3339 writes it, like 2026-03-01T00:00:00Z"


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[ServedApi]:
    async with serving_api(database_url) as served:
        yield served


def injected(api: ServedApi) -> list[RawListing]:
    events = [decode(message.body) for message in api.bus.published]
    return [event for event in events if isinstance(event, RawListing)]


async def test_an_injected_listing_is_on_its_way_with_where_to_follow_it(api: ServedApi) -> None:
    answer = await api.client.post("/listings", json={"symbol": "TEST_USDT"})

    (event,) = injected(api)
    assert answer.status_code == 202
    assert answer.headers["location"] == "/listings/TESTUSDT"
    assert answer.json() == {
        "event_id": event.id,
        "listing_key": "test:TESTUSDT:1",
        "symbol": "TESTUSDT",
        "follow": "/listings/TESTUSDT",
        "events": "/events",
    }
    assert event.source is Source.TEST_INJECTION
    assert {message.routing_key for message in api.bus.published} >= {"raw.test_injection"}


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"symbol": "AB"}, "symbol", "Invalid symbol format"),
        ({"symbol": "A" * 21}, "symbol", "Invalid symbol format"),
        ({"symbol": "ABC-USDT"}, "symbol", "Invalid symbol format"),
        ({"symbol": "ABC\x00USDT"}, "symbol", "Invalid symbol format"),
        (
            {"symbol": "ABCUSDT", "source": "binance"},
            "source",
            "source must be: mexc_websocket, mexc_rest_api, or test_injection",
        ),
        (
            {"symbol": "ABCUSDT", "source": "mexc_websocket"},
            "source",
            "only test_injection can be injected: the others are what was seen",
        ),
        (
            {"symbol": "ABCUSDT", "listed_at": (utc_now() + timedelta(days=1)).isoformat()},
            "listed_at",
            "listed_at cannot be in the future",
        ),
        ({"symbol": "ABCUSDT", "listed_at": 20260301}, "listed_at", NO_TIME),
        ({"symbol": "ABCUSDT", "listed_at": "20260301"}, "listed_at", NO_TIME),
        ({"symbol": "ABCUSDT", "opens_at": 1772323200.5}, "opens_at", NO_TIME),
        ({"symbol": "ABCUSDT", "price": "1"}, "price", "Extra inputs are not permitted"),
        ({}, "symbol", "Field required"),
    ],
)
async def test_a_wrong_listing_is_refused_in_the_data_models_words(
    api: ServedApi, body: dict[str, Any], field: str, message: str
) -> None:
    answer = await api.client.post("/listings", json=body)

    assert answer.status_code == 422
    assert answer.json()["details"]["fields"] == [{"field": field, "message": message}]
    assert injected(api) == []


async def test_one_that_is_recorded_is_refused(api: ServedApi) -> None:
    async with api.database.engine.begin() as connection:
        await rows.store(connection, "listings")

    answer = await api.client.post("/listings", json={"symbol": "ABCUSDT", "listed_at": NOON.isoformat()})

    assert (answer.status_code, answer.json()["message"]) == (409, "Listing already recorded")
    assert injected(api) == []


async def test_one_that_was_injected_before_is_refused(api: ServedApi) -> None:
    async with api.database.engine.begin() as connection:
        await rows.store(connection, "listing_claims", listing_key="test:ABCUSDT:1")

    answer = await api.client.post("/listings", json={"symbol": "ABCUSDT"})

    assert (answer.status_code, answer.json()["code"]) == (409, "already_recorded")


async def test_a_broker_that_is_away_is_told_of(api: ServedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_: object) -> None:
        raise TransientError("no broker")

    monkeypatch.setattr(api.bus, "publish", refuse)
    answer = await api.client.post("/listings", json={"symbol": "ABCUSDT"})

    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "broker_away", "5")


async def test_a_view_token_injects_nothing(api: ServedApi) -> None:
    async with api.bearer(await api.make_token("viewer")) as viewer:
        answer = await viewer.post("/listings", json={"symbol": "ABCUSDT"})

    assert (answer.status_code, injected(api)) == (403, [])
