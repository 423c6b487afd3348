"""Bodies that no call can do anything with, sent to each that writes; and outcomes of orders that cannot be."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import httpx
import pytest

from tests.servers.databases import PostgresServer
from tests.support.data import rows
from tests.support.running.api_document import Operation, document, operations_of
from tests.support.running.serving_api import ServedApi, serving_api

WRITES: Final[Sequence[Operation]] = [operation for operation in operations_of(document()) if operation.writes]
JSON: Final = {"Content-Type": "application/json"}
UNREADABLE: Final = {
    "nothing": b"",
    "cut": b"{",
    "no text": b"\xff\xfe",
    "open brackets": b"[" * 60_000,
    "deep": b'{"reason": ' + b"[" * 900 + b"]" * 900 + b"}",
    "deeper": b'{"reason": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "half a character as a name": b'{"\\ud800": 1}',
    "half a character": b'{"reason": "\\ud800"}',
    "a long number": b'{"max_trade_usdt": ' + b"9" * 5_000 + b"}",
    "a list for a flag": b'{"auto_trade": [], "exits": [], "absent": []}',
    "an object for a number": b'{"max_trade_usdt": {}, "base_qty": {}, "cost": {}, "stop_loss_pct": {}}',
}


@pytest.fixture(scope="module")
def shared_url(postgres_server: PostgresServer) -> Iterator[str]:
    """One database for what stores nothing that another test minds."""
    url = postgres_server.create_migrated_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
async def shared_api(shared_url: str) -> AsyncIterator[ServedApi]:
    async with serving_api(shared_url) as served:
        yield served


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[ServedApi]:
    async with serving_api(database_url) as served:
        yield served


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_body_that_means_nothing_is_no_fault_of_ours(shared_api: ServedApi, body: bytes) -> None:
    tag = (await shared_api.client.get("/config")).headers["etag"]

    answers = {str(each): await send(shared_api, each, body, {**JSON, "If-Match": tag}) for each in WRITES}

    assert {each: answer.text for each, answer in answers.items() if answer.status_code >= 500} == {}
    refused = [answer.json() for answer in answers.values() if not answer.is_success]
    assert {tuple(problem) for problem in refused} == {("code", "message", "details")}


async def test_a_body_that_is_no_json_is_refused_as_the_body_and_by_no_position(shared_api: ServedApi) -> None:
    tag = (await shared_api.client.get("/config")).headers["etag"]

    refused = await shared_api.client.put("/config", content=b'{"auto_trade": fals', headers={**JSON, "If-Match": tag})

    assert refused.status_code == 422
    assert refused.json()["details"]["fields"] == [{"field": "body", "message": "JSON decode error"}]


async def test_a_body_that_is_too_large_is_refused_everywhere(shared_api: ServedApi) -> None:
    answers = {str(each): await send(shared_api, each, b" " * 65_537, {}) for each in WRITES}

    assert {each: answer.status_code for each, answer in answers.items()} == dict.fromkeys(answers, 413)


@pytest.mark.parametrize("operation", WRITES, ids=str)
async def test_a_token_that_may_only_view_is_refused_whatever_it_sends(
    shared_api: ServedApi, operation: Operation
) -> None:
    value = await shared_api.make_token(f"viewer-{WRITES.index(operation)}")

    async with shared_api.bearer(value) as viewer:
        answers = [await viewer.request(operation.method, path_of(operation), content=body) for body in (b"{}", b"{")]

    assert [answer.status_code for answer in answers] == [403, 403]


@pytest.mark.parametrize(
    ("outcome", "field"),
    [
        ({}, "absent"),
        ({"absent": True, "cost": 1}, "absent"),
        ({"base_qty": 1}, "absent"),
        ({"base_qty": 1, "cost": 1, "fee": 1}, "fee"),
        ({"base_qty": 1, "cost": 1, "fee_asset": "MX"}, "fee"),
        ({"base_qty": 1, "cost": 1, "fee": -1, "fee_asset": "MX"}, "fee"),
        ({"base_qty": 1, "cost": "NaN"}, "cost"),
        ({"base_qty": 0, "cost": 1}, "base_qty"),
        ({"base_qty": "1E-30", "cost": 1}, "base_qty"),
        ({"base_qty": "1E+21", "cost": 1}, "base_qty"),
        ({"base_qty": 1, "cost": "1E-30"}, "cost"),
        ({"base_qty": 1, "cost": 1, "fee": "1E+21", "fee_asset": "MX"}, "fee"),
        ({"absent": True, "reason": ""}, "reason"),
        ({"absent": True, "reason": "x" * 201}, "reason"),
        ({"absent": True, "reason": "\x00"}, "reason"),
        ({"absent": True, "reason": "\ud800"}, "reason"),
        ({"absent": True, "price": 1}, "price"),
    ],
)
async def test_an_outcome_that_cannot_be_is_refused_by_field(
    api: ServedApi, outcome: dict[str, Any], field: str
) -> None:
    async with api.database.engine.begin() as connection:
        await rows.store(connection, "orders")

    body = json.dumps({"reason": "why", **outcome}).encode()
    answer = await api.client.post("/orders/sniper-ABCUSDT-1/settle", content=body, headers=JSON)

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["details"]["fields"]] == [field]
    async with api.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM settle_requests") == 0


SALE: Final = {"side": "SELL", "base_qty": Decimal("12.5"), "quote_qty": 0}
LIMITED: Final = {"request": {"symbol": "ABCUSDT", "type": "LIMIT", "quantity": "12.5"}}
OF_USDT: Final = {"listing": {"symbol": "ABCUSDT", "base_asset": "ABC", "quote_asset": "USDT"}}


@pytest.mark.parametrize(
    ("order", "outcome", "field", "message"),
    [
        (
            {},
            {"base_qty": 100, "cost": 1000},
            "cost",
            "a cost of 1000 is more than the 100.00 that were reserved: are filled and cost swapped?",
        ),
        ({}, {"base_qty": 1000, "cost": "101.01"}, "cost", "a cost of 101.01 is more than"),
        (
            LIMITED,
            {"base_qty": 100, "cost": "12.5"},
            "base_qty",
            "filled 100 is more than the 12.5 that were ordered: are filled and cost swapped?",
        ),
        (SALE, {"base_qty": 100, "cost": "12.5"}, "base_qty", "filled 100 is more than the 12.5 that were ordered"),
        (SALE, {"base_qty": "12.5", "cost": "1E+10"}, "cost", "what it cost must be less than 10000000000"),
        ({}, {"base_qty": 5, "cost": 5, "fee": 5, "fee_asset": "ABC"}, "fee", "a fee of 5 is too much"),
        (OF_USDT, {"base_qty": 50, "cost": 5, "fee": 5, "fee_asset": "USDT"}, "fee", "it must be less than 5"),
        ({}, {"base_qty": 5, "cost": 5, "fee": "1E+10", "fee_asset": "MX"}, "fee", "it must be less than 10000000000"),
    ],
)
async def test_an_outcome_of_more_than_the_order_was_for_is_refused_by_field(
    api: ServedApi, order: dict[str, Any], outcome: dict[str, Any], field: str, message: str
) -> None:
    async with api.database.engine.begin() as connection:
        await rows.store(connection, "orders", **order)

    answer = await api.client.post("/orders/sniper-ABCUSDT-1/settle", json={"reason": "why", **outcome})

    assert answer.status_code == 422
    [refused] = answer.json()["details"]["fields"]
    assert refused["field"] == field
    assert message in refused["message"]
    async with api.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM settle_requests") == 0


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        ({}, {"base_qty": "1E+12", "cost": 101}),
        (LIMITED, {"base_qty": "12.5", "cost": 100, "fee": "0.05", "fee_asset": "USDT"}),
        (LIMITED | {"attempt": 2, "attempt_id": "second"}, {"base_qty": 13, "cost": 100}),
        (SALE, {"base_qty": "12.5", "cost": 4_000, "fee": "0.1", "fee_asset": "MX"}),
    ],
)
async def test_an_outcome_that_the_order_can_have_had_is_taken(
    api: ServedApi, order: dict[str, Any], outcome: dict[str, Any]
) -> None:
    async with api.database.engine.begin() as connection:
        await rows.store(connection, "orders", **order)

    answer = await api.client.post("/orders/sniper-ABCUSDT-1/settle", json={"reason": "why", **outcome})

    assert answer.status_code == 202


async def send(api: ServedApi, operation: Operation, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return await api.client.request(operation.method, path_of(operation), content=body, headers=headers)


def path_of(operation: Operation) -> str:
    return re.sub(r"\{\w+\}", "1", operation.path)
