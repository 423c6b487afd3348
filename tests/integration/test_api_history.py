"""Author and request of every decision, also of one that changes nothing."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from api.access.principal import Scope
from api.operator import close_requests, held_positions, trade_config
from api.reading import history_texts
from tests.support.data import rows
from tests.support.data.builders import NOON
from tests.support.running.serving_api import TOKEN_NAME, ServedApi, serving_api

AUTHOR: Final = f"token:{TOKEN_NAME}"
NAME: Final = "ABCUSDT:1 (live)"


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[ServedApi]:
    async with serving_api(database_url) as served:
        yield served


async def store(api: ServedApi, table: str, **row: Any) -> None:
    async with api.database.engine.begin() as connection:
        await rows.store(connection, table, **row)


async def history(api: ServedApi, **params: Any) -> Any:
    return (await api.client.get("/history", params=params)).raise_for_status().json()


def by_request(items: list[dict[str, Any]]) -> dict[str | None, tuple[str, str, str]]:
    return {each["request_id"]: (each["kind"], each["made_by"], each["words"]) for each in items}


WRITES: Final = [
    ("POST", "/halt", {"reason": "drill"}, "halt", "halted purchases: drill"),
    ("POST", "/halt", {"exits": True, "reason": "odd"}, "halt", "halted purchases and sales: odd"),
    ("POST", "/halt-and-close", {"reason": "out"}, "halt_and_close", "halted purchases and had everything sold: out"),
    ("POST", "/resume", None, "resume", "resumed trading"),
    ("PUT", "/config", {"auto_trade": True, "confirm": "live"}, "config", "auto_trade false → true"),
    ("PUT", "/config", {"auto_trade": False}, "config", "auto_trade true → false"),
    ("POST", "/monitor/pause", {"reason": "upgrade"}, "pause", "paused detection: upgrade"),
    ("POST", "/monitor/pause", {"reason": "mine"}, "pause", "paused detection, which was paused: mine"),
    ("POST", "/monitor/resume", None, "wake", "resumed detection"),
    ("PATCH", "/positions/1", {"stop_loss_pct": 5}, "exits", f"exits of {NAME}: stop_loss_pct as configured → 5"),
    ("PATCH", "/positions/1", {"stop_loss_pct": 5}, "exits", f"exits of {NAME}: left as they were"),
    ("POST", "/positions/1/close", None, "close", f"had {NAME} sold"),
    ("POST", "/positions/1/write-off", {"reason": "gone"}, "write_off", f"gave up {NAME}: gone"),
    (
        "POST",
        "/orders/sniper-ABCUSDT-1/settle",
        {"base_qty": "10.5", "cost": 21, "reason": "as the app shows it"},
        "settle",
        "settled sniper-ABCUSDT-1: filled 10.5 for 21: as the app shows it",
    ),
    ("POST", "/listings", {"symbol": "TESTUSDT"}, "inject", "injected TESTUSDT"),
    ("POST", "/unplaced/acknowledge", {}, "acknowledge", f"acknowledged {'A' * 30}"),
]


async def test_every_decision_is_told_with_who_and_by_which_request(api: ServedApi) -> None:
    await store(api, "positions", id=1)
    await store(api, "orders")
    await store(api, "unplaced_symbols", acknowledged_by=None)
    expected = {}
    for method, path, body, kind, words in WRITES:
        etag = (await api.client.get("/config")).headers["ETag"]
        answer = (await api.client.request(method, path, json=body, headers={"If-Match": etag})).raise_for_status()
        expected[answer.headers["X-Request-Id"]] = (kind, AUTHOR, words)

    items = (await history(api))["items"]

    assert by_request(items) == expected
    assert [each["created_at"] for each in items] == sorted((each["created_at"] for each in items), reverse=True)
    [exits] = [each for each in items if each["words"].endswith("→ 5")]
    assert (exits["subject"], exits["before"], exits["after"]) == (NAME, {}, {"stop_loss_pct": "5"})


@pytest.mark.parametrize(
    ("path", "body", "kinds"),
    [
        ("/positions/1/close", None, ["close", "close"]),
        ("/positions/1/write-off", {"reason": "gone"}, ["write_off", "write_off"]),
        ("/halt", {"reason": "odd"}, ["halt", "halt"]),
        ("/halt-and-close", {"reason": "odd"}, ["halt_and_close", "halt_and_close"]),
        ("/monitor/pause", {"reason": "odd"}, ["pause", "pause"]),
        ("/resume", None, ["resume", "resume"]),
    ],
)
async def test_who_asks_for_what_was_asked_for_before_is_told_too(
    api: ServedApi, path: str, body: Any, kinds: list[str]
) -> None:
    await store(api, "positions", id=1)
    async with api.bearer(await api.make_token("second", Scope.OPERATE)) as second:
        first = (await api.client.post(path, json=body)).raise_for_status()
        then = (await second.post(path, json=body)).raise_for_status()

    items = (await history(api))["items"]

    assert [each["kind"] for each in items] == kinds
    assert [(each["made_by"], each["request_id"]) for each in items] == [
        ("token:second", then.headers["X-Request-Id"]),
        (AUTHOR, first.headers["X-Request-Id"]),
    ]


async def test_which_halt_was_asked_for_is_told_while_everything_is_being_sold(api: ServedApi) -> None:
    for path, reason in (("/halt-and-close", "out"), ("/halt-and-close", "again"), ("/halt", "odd")):
        (await api.client.post(path, json={"reason": reason})).raise_for_status()

    told = [(each["kind"], each["words"]) for each in (await history(api))["items"]]

    assert sorted(told) == [
        ("config", "halted_reason again → odd"),
        ("config", "halted_reason out → again"),
        ("halt", "halted what was halted: odd"),
        ("halt_and_close", "halted and had everything sold, as before: again"),
        ("halt_and_close", "halted purchases and had everything sold: out"),
    ]


async def test_halts_of_the_executor_and_their_end_are_told(api: ServedApi) -> None:
    await store(api, "halts", cause="failures", mode="live", reason="5 in a row")
    await trade_config.resume(api.database, changed_by="cli:ann")

    told = [(each["made_by"], each["kind"], each["words"]) for each in (await history(api))["items"]]

    assert told == [
        ("cli:ann", "resume", "resumed: what the executor had halted, if anything, is lifted"),
        ("executor", "latch", "halted purchases (live), by failures: 5 in a row"),
    ]


async def test_the_cursor_leads_through_all_kinds_of_one_moment_without_a_gap(api: ServedApi) -> None:
    for number in range(1, 4):
        moment = {"id": number, "created_at": NOON + timedelta(seconds=number // 3)}
        for table in ("trade_config_audit", "monitor_switches", "halts", "operator_actions"):
            await store(api, table, **moment)
        await store(api, "position_exits", revision=number, **moment)
    whole = [each["number"] for each in (await history(api))["items"]]

    found, cursor = list[int](), None
    while True:
        page = await history(api, limit=2, **({} if cursor is None else {"cursor": cursor}))
        found += [each["number"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert found == whole
    assert len(set(whole)) == 15


async def test_what_is_no_page_of_it_is_refused(api: ServedApi) -> None:
    answers = [await api.client.get("/history", params=each) for each in ({"limit": 0}, {"cursor": "x"}, {"who": "me"})]

    assert [answer.status_code for answer in answers] == [422, 422, 422]


async def test_nothing_is_sold_of_which_nobody_would_know_by_whom(api: ServedApi) -> None:
    await store(api, "positions", id=1)
    async with api.database.connection() as connection:
        await connection.execute("ALTER TABLE operator_actions RENAME TO operator_actions_elsewhere")
    held = await held_positions.find_held(api.database, "ABCUSDT", None, sellable=True)

    with pytest.raises(Exception, match="operator_actions"):
        await close_requests.request(api.database, held, requested_by="cli:ann")

    async with api.database.connection() as connection:
        assert await connection.fetch("SELECT * FROM close_requests") == []


# Names without a place.


async def names(client: httpx.AsyncClient, **params: Any) -> list[str]:
    found = (await client.get("/unplaced", params=params)).raise_for_status().json()
    return [each["symbol"] for each in found["items"]]


async def test_names_without_a_place_are_acknowledged_by_those_who_saw_them(api: ServedApi) -> None:
    for symbol in ("ONE", "TWO", "THREE"):
        await store(api, "unplaced_symbols", symbol=symbol, acknowledged_by=None)
    waiting = await names(api.client)
    seen = await api.client.post("/unplaced/acknowledge", json={"symbols": ["ONE", "TWO", "UNKNOWN"]})
    rest = await api.client.post("/unplaced/acknowledge", json={})
    nothing = await api.client.post("/unplaced/acknowledge", json={})

    assert waiting == ["THREE", "TWO", "ONE"]
    assert [each["symbol"] for each in seen.json()["items"]] == ["ONE", "TWO"]
    assert [(each["symbol"], each["acknowledged_by"]) for each in rest.json()["items"]] == [("THREE", AUTHOR)]
    assert nothing.json() == {"items": []}
    assert await names(api.client) == []
    assert await names(api.client, waiting=False) == ["THREE", "TWO", "ONE"]
    told = [each["words"] for each in (await history(api))["items"]]
    assert told == ["acknowledged THREE", "acknowledged ONE, TWO"]


# Words.


def test_a_change_beside_a_halt_in_force_is_no_halt() -> None:
    before = {"halted": True, "halted_reason": "odd", "max_trade_usdt": "5"}

    told = history_texts.describe_config(before, {**before, "max_trade_usdt": "6"})

    assert told == ("config", "max_trade_usdt 5 → 6")
