"""Calls that write, as they are served, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
from fastapi.routing import APIRoute

from api.operator import close_requests
from api.reading.health import SELLER_UNKNOWN
from api.writing import config_routes, exit_routes, order_routes, trading_routes, unplaced_routes
from shared.events import utc_now
from tests.support.data import rows
from tests.support.running.serving_api import TOKEN_NAME, ServedApi, serving_api

AUTHOR: Final = f"token:{TOKEN_NAME}"
EXITS_RUN: Final = {"component_name": "exits"}
WRITES: Final = [
    ("PUT", "/config", {"max_trade_usdt": 5}),
    ("POST", "/halt", {}),
    ("POST", "/halt-and-close", {}),
    ("POST", "/resume", None),
    ("POST", "/monitor/pause", {}),
    ("POST", "/monitor/resume", None),
    ("POST", "/positions/{position_id}/close", None),
    ("PATCH", "/positions/{position_id}", {"stop_loss_pct": 5}),
    ("POST", "/positions/{position_id}/write-off", {"reason": "lost"}),
    ("POST", "/orders/{client_order_id}/settle", {"absent": True, "reason": "not there"}),
    ("POST", "/unplaced/acknowledge", {}),
]
TABLES: Final = (
    "trade_config_audit",
    "close_requests",
    "write_offs",
    "settle_requests",
    "position_exits",
    "monitor_switches",
    "operator_actions",
)


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[ServedApi]:
    async with serving_api(database_url) as served:
        yield served


async def store(api: ServedApi, table: str, **row: Any) -> None:
    async with api.database.engine.begin() as connection:
        await rows.store(connection, table, **row)


async def fetch(api: ServedApi, query: str) -> list[tuple[Any, ...]]:
    async with api.database.connection() as connection:
        return [tuple(row) for row in await connection.fetch(query)]


async def etag(api: ServedApi) -> str:
    return (await api.client.get("/config")).raise_for_status().headers["ETag"]


async def put(api: ServedApi, *, tag: str | None = None, **changes: Any) -> httpx.Response:
    return await api.client.put("/config", json=changes, headers={"If-Match": await etag(api) if tag is None else tag})


def differing(change: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what *change* changed, by field: before and after."""
    before, after = change["before"], change["after"]
    return {name: (before[name], after[name]) for name in after if before[name] != after[name]}


# The configuration.


async def test_a_change_is_stored_with_who_when_and_by_which_request(api: ServedApi) -> None:
    before = await etag(api)
    answer = await put(api, max_trade_usdt="50.5", stop_loss_pct=12, take_profit_ladder=[{"at_pct": 5, "sell_pct": 10}])
    [change] = (await api.client.get("/config/history")).raise_for_status().json()["items"]

    changed = answer.raise_for_status().json()
    assert (changed["max_trade_usdt"], changed["stop_loss_pct"]) == ("50.50", "12")
    assert changed["take_profit_ladder"] == [{"at_pct": "5", "sell_pct": "10"}]
    assert before != answer.headers["ETag"] == await etag(api)
    assert (change["changed_by"], change["request_id"]) == (AUTHOR, answer.headers["X-Request-Id"])
    assert differing(change) == {
        "max_trade_usdt": ("100.00", "50.5"),
        "stop_loss_pct": ("15", "12"),
        "take_profit_ladder": ([], [{"at_pct": "5", "sell_pct": "10"}]),
    }


async def test_what_is_left_out_stays_and_null_takes_an_exit_away(api: ServedApi) -> None:
    changed = (await put(api, take_profit_pct=None)).raise_for_status().json()

    assert (changed["take_profit_pct"], changed["stop_loss_pct"]) == (None, "15")


async def test_a_change_needs_the_version_it_was_made_from(api: ServedApi) -> None:
    answer = await api.client.put("/config", json={"max_trade_usdt": 50})

    assert answer.status_code == 428
    assert answer.json()["code"] == "precondition_required"
    assert await fetch(api, "SELECT * FROM trade_config_audit") == []


async def test_a_stale_change_is_refused_with_what_stands_now(api: ServedApi) -> None:
    stale = await etag(api)
    (await put(api, max_trade_usdt=60)).raise_for_status()
    (await api.client.post("/halt", json={"reason": "drill"})).raise_for_status()
    answer = await put(api, tag=stale, max_trade_usdt=50)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (412, "stale")
    assert answer.headers["ETag"] == await etag(api)
    current = problem["details"]["current"]
    assert (current["max_trade_usdt"], current["halted_reason"]) == ("60.00", "drill")
    assert (await api.client.get("/config")).json()["max_trade_usdt"] == "60.00"


@pytest.mark.parametrize("tag", ['W/"0"', "0", '"x"', 'W/"x"', '"0', '"99"', "", "*", '"1", "2"', '"' + "9" * 30 + '"'])
async def test_what_is_no_version_of_the_configuration_changes_nothing(api: ServedApi, tag: str) -> None:
    answer = await put(api, tag=tag, max_trade_usdt=50)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (412, "stale")
    assert answer.headers["ETag"] == await etag(api)
    assert problem["details"]["current"] == (await api.client.get("/config")).json()
    assert await fetch(api, "SELECT * FROM trade_config_audit") == []


async def test_a_version_that_a_proxy_weakened_is_the_same(api: ServedApi) -> None:
    changed = (await put(api, tag=f"W/{await etag(api)}", max_trade_usdt=50)).raise_for_status().json()

    assert changed["max_trade_usdt"] == "50.00"


async def test_of_two_changes_of_one_version_one_wins(api: ServedApi) -> None:
    for number in range(1, 6):
        tag = await etag(api)
        answers = await asyncio.gather(*(put(api, tag=tag, max_trade_usdt=10 * number + way) for way in range(4)))

        [won] = [answer for answer in answers if answer.status_code == 200]
        lost = [answer for answer in answers if answer is not won]
        assert [answer.status_code for answer in lost] == [412] * 3
        assert all(answer.headers["ETag"] == won.headers["ETag"] for answer in lost)
        assert len(await fetch(api, "SELECT id FROM trade_config_audit")) == number


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"max_trade": 5}, "max_trade"),
        ({"max_trade_usdt": -5}, "max_trade_usdt"),
        ({"max_trade_usdt": None}, "max_trade_usdt"),
        ({"max_trade_usdt": "NaN"}, "max_trade_usdt"),
        ({"max_trade_usdt": True}, "max_trade_usdt"),
        ({"max_trade_usdt": "0.001"}, "max_trade_usdt"),
        ({"max_position_usdt": 99}, "max_position_usdt"),
        ({"auto_trade": "yes", "confirm": "live"}, "auto_trade"),
        ({"auto_trade": True}, "confirm"),
        ({"auto_trade": True, "confirm": "yes"}, "confirm"),
        ({"auto_trade": True, "confirm": "live", "auto_trade_until": "2020-01-01T00:00:00Z"}, "auto_trade_until"),
        ({"auto_trade_until": "2100-01-01T00:00:00Z", "confirm": "live"}, "auto_trade_until"),
        ({"auto_trade": True, "confirm": "live", "auto_trade_until": 4102444800}, "auto_trade_until"),
        ({"auto_trade": True, "confirm": "live", "auto_trade_until": "4102444800"}, "auto_trade_until"),
        ({"halted": True}, "halted"),
        ({"stop_loss_pct": 100}, "stop_loss_pct"),
        ({"trailing_stop_pct": "Infinity"}, "trailing_stop_pct"),
        ({"holding_seconds_max": 0}, "holding_seconds_max"),
        ({"entry_slippage_pct": None}, "entry_slippage_pct"),
        ({"take_profit_ladder": [{"at_pct": 5, "sell_pct": 101}]}, "take_profit_ladder.0.sell_pct"),
        ({"take_profit_ladder": [{"at_pct": 5}]}, "take_profit_ladder.0.sell_pct"),
        ({"take_profit_ladder": [{"at_pct": 60, "sell_pct": 1}]}, "take_profit_ladder.0.at_pct"),
        ({"take_profit_ladder": None}, "take_profit_ladder"),
        ({"daily_loss_usdt_max": 0}, "daily_loss_usdt_max"),
    ],
)
async def test_a_field_that_does_not_fit_is_named_and_nothing_is_changed(
    api: ServedApi, body: dict[str, Any], field: str
) -> None:
    answer = await put(api, **body)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid")
    assert [each["field"] for each in problem["details"]["fields"]] == [field]
    assert await fetch(api, "SELECT * FROM trade_config_audit") == []


async def test_a_literal_nan_in_json_is_refused_by_field(api: ServedApi) -> None:
    headers = {"If-Match": await etag(api), "Content-Type": "application/json"}
    answer = await api.client.put("/config", content=b'{"stop_loss_pct": NaN}', headers=headers)

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["details"]["fields"]] == ["stop_loss_pct"]


async def test_nothing_to_change_is_refused(api: ServedApi) -> None:
    assert (await put(api)).status_code == 422


async def test_live_trading_is_armed_for_a_time_and_disarmed_without_a_word(api: ServedApi) -> None:
    until = (utc_now() + timedelta(hours=1)).isoformat()
    armed = (await put(api, auto_trade=True, auto_trade_until=until, confirm="live")).raise_for_status().json()
    longer = await put(api, auto_trade_until=None)
    off = (await put(api, auto_trade=False)).raise_for_status().json()

    assert armed["auto_trade"]
    assert armed["auto_trade_until"] is not None
    assert [each["field"] for each in longer.json()["details"]["fields"]] == ["confirm"]
    assert (off["auto_trade"], off["auto_trade_until"]) == (False, None)


@pytest.mark.parametrize("tag", [None, '"99"', "nonsense", ""])
async def test_switching_off_is_never_refused_for_its_version(api: ServedApi, tag: str | None) -> None:
    stale = await etag(api)
    (await put(api, auto_trade=True, confirm="live")).raise_for_status()
    headers = {} if tag is None else {"If-Match": tag}
    off = await api.client.put("/config", json={"auto_trade": False}, headers=headers)
    with_more = await put(api, tag=stale, auto_trade=False, max_trade_usdt=50)

    assert (off.status_code, off.json()["auto_trade"]) == (200, False)
    assert with_more.status_code == 412


async def test_the_history_is_told_in_parts_and_newest_first(api: ServedApi) -> None:
    for amount in range(1, 6):
        (await put(api, max_trade_usdt=amount)).raise_for_status()
    first = (await api.client.get("/config/history", params={"limit": 3})).json()
    rest = (await api.client.get("/config/history", params={"limit": 3, "before": first["next"]})).json()

    told = [each["after"]["max_trade_usdt"] for each in (*first["items"], *rest["items"])]
    assert told == ["5", "4", "3", "2", "1"]
    assert rest["next"] is None


# The kill switch.


async def test_purchases_are_halted_and_resumed(api: ServedApi) -> None:
    halted = (await api.client.post("/halt", json={"exits": True, "reason": "fat finger"})).raise_for_status().json()
    resumed = (await api.client.post("/resume")).raise_for_status().json()
    by_hand = (await api.client.post("/halt", json={})).raise_for_status().json()

    assert (halted["halted"], halted["exits_halted"], halted["halted_reason"]) == (True, True, "fat finger")
    assert [each["cause"] for each in halted["halts"]] == ["operator"]
    assert (resumed["halted"], resumed["halts"]) == (False, [])
    assert (by_hand["halted"], by_hand["exits_halted"]) == (True, False)


@pytest.mark.parametrize("path", ["/halt", "/halt-and-close"])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", ""),
        (b"{}", ""),
        (b'{"reason": null}', ""),
        (b'{"reason": "%s"}' % (b"x" * 5_000), "x" * 200),
        (b'{"reason": "a\\u0000b\\ud800"}', "ab"),
        (b'{"reason": 5}', "5"),
        (b'{"reason": ["a", {"b": "\xc3\xa9"}]}', '["a", {"b": "\u00e9"}]'),
        (b"null", ""),
        (b'"odd"', ""),
        (b"reason=odd", ""),
        (b'{"reason": "od', ""),
        (b"\xff\xfe\xfd", ""),
        (b"[" * 50_000, ""),
    ],
)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "application/json"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "text/plain; charset=utf-8"},
        {"Content-Type": "multipart/form-data"},
    ],
    ids=["bare", "json", "curl", "text", "form"],
)
async def test_a_stop_is_never_refused_for_the_form_of_its_reason(
    api: ServedApi, path: str, body: bytes, reason: str, headers: dict[str, str]
) -> None:
    halted = (await api.client.post(path, content=body, headers=headers)).raise_for_status().json()

    assert (halted["halted"], halted["halted_reason"]) == (True, reason)


@pytest.mark.parametrize("path", ["/halt", "/halt-and-close"])
async def test_a_stop_of_something_else_is_refused(api: ServedApi, path: str) -> None:
    answer = await api.client.post(path, json={"exit": True})

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["details"]["fields"]] == ["exit"]
    assert await fetch(api, "SELECT halted FROM trade_config") == [(False,)]


@pytest.mark.parametrize(
    ("body", "field"), [(b'{"exit": true}', "exit"), (b'{"exits": "perhaps"}', "exits"), (b'{"exits": null}', "exits")]
)
async def test_a_halt_of_what_cannot_be_is_refused_whatever_its_type(api: ServedApi, body: bytes, field: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await api.client.post("/halt", content=body, headers=headers)

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["details"]["fields"]] == [field]


async def test_a_halt_as_curl_sends_it_stops_sales_too(api: ServedApi) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await api.client.post("/halt", content=b'{"exits": true, "reason": "odd"}', headers=headers)

    halted = answer.raise_for_status().json()
    assert (halted["exits_halted"], halted["halted_reason"]) == (True, "odd")


async def test_everything_is_halted_and_sold_as_one_action(api: ServedApi) -> None:
    for key, state in (("ABCUSDT:1", "open"), ("XYZUSDT:1", "closing"), ("OLDUSDT:1", "closed")):
        await store(api, "positions", listing_key=key, state=state)
    await store(api, "bot_health", **EXITS_RUN, updated_at=utc_now() + timedelta(seconds=50))
    (await api.client.post("/halt", json={"exits": True})).raise_for_status()
    done = (await api.client.post("/halt-and-close", json={"reason": "get out"})).raise_for_status().json()

    assert (done["halted"], done["exits_halted"], done["selling_all"]) == (True, False, True)
    selling = "purchases are halted, and the executor is asked to sell ABCUSDT:1 (live), XYZUSDT:1 (live)"
    assert done["message"] == selling
    assert await fetch(api, "SELECT listing_key, requested_by FROM close_requests ORDER BY 1") == [
        ("ABCUSDT:1", AUTHOR),
        ("XYZUSDT:1", AUTHOR),
    ]


async def test_nothing_is_halted_where_the_sale_cannot_be_asked_for(api: ServedApi) -> None:
    await store(api, "positions")
    async with api.database.connection() as connection:
        await connection.execute("ALTER TABLE close_requests RENAME TO close_requests_elsewhere")
    answer = await api.client.post("/halt-and-close", json={})

    assert answer.status_code >= 500
    assert await fetch(api, "SELECT halted, selling_all FROM trade_config") == [(False, False)]
    assert await fetch(api, "SELECT * FROM trade_config_audit") == []


async def test_detection_is_paused_and_goes_on(api: ServedApi) -> None:
    paused = (await api.client.post("/monitor/pause", json={"reason": "upgrade"})).raise_for_status().json()
    resumed = (await api.client.post("/monitor/resume")).raise_for_status().json()

    assert (paused["paused"], paused["reason"]) == (True, "upgrade")
    assert paused["changed_by"] == AUTHOR
    assert resumed["paused"] is False
    assert (await api.client.get("/monitor")).json() == resumed
    assert len(await fetch(api, "SELECT * FROM monitor_switches")) == 2


# Positions and orders.


async def number_of(api: ServedApi, **position: Any) -> int:
    await store(api, "positions", **position)
    [(number,)] = await fetch(api, "SELECT max(id) FROM positions")
    return int(number)


async def test_a_position_is_closed_by_its_number(api: ServedApi) -> None:
    number = await number_of(api)
    await store(api, "bot_health", **EXITS_RUN, updated_at=utc_now() + timedelta(seconds=50))
    asked = await api.client.post(f"/positions/{number}/close")
    again = await api.client.post(f"/positions/{number}/close")

    assert (asked.status_code, again.status_code) == (202, 202)
    assert again.json()["close_requested_at"] == asked.json()["close_requested_at"] is not None
    assert asked.json()["message"] == "ABCUSDT:1 (live): the executor is asked to sell it"
    assert again.json()["message"].startswith("ABCUSDT:1 (live): the executor has been asked to sell it since 2")
    assert await fetch(api, "SELECT listing_key, mode, requested_by FROM close_requests") == [
        ("ABCUSDT:1", "live", AUTHOR)
    ]


async def test_no_sale_is_recorded_that_is_not_answered(api: ServedApi) -> None:
    number = await number_of(api)
    async with api.database.connection() as connection:
        await connection.execute("DELETE FROM trade_config")

    assert (await api.client.post(f"/positions/{number}/close")).status_code == 500
    assert await fetch(api, "SELECT requested_by FROM close_requests") == []


async def test_a_sale_while_sales_are_halted_is_said_to_wait(api: ServedApi) -> None:
    number = await number_of(api)
    (await api.client.post("/halt", json={"exits": True})).raise_for_status()
    asked = await api.client.post(f"/positions/{number}/close")

    assert close_requests.HALTED in asked.json()["message"]
    assert asked.json()["message"].endswith(SELLER_UNKNOWN)


@pytest.mark.parametrize("action", ["close", "write-off"])
async def test_what_is_not_held_cannot_be_sold_or_given_up(api: ServedApi, action: str) -> None:
    number = await number_of(api, state="closed")
    body = {"reason": "why"} if action == "write-off" else None
    ended = await api.client.post(f"/positions/{number}/{action}", json=body)
    absent = await api.client.post(f"/positions/{number + 1}/{action}", json=body)

    assert (ended.status_code, ended.json()["code"]) == (409, "nothing_to_decide")
    assert (absent.status_code, absent.json()["message"]) == (404, f"there is no position {number + 1}")


async def test_a_position_gets_exits_of_its_own_and_follows_the_configuration_again(api: ServedApi) -> None:
    path = f"/positions/{await number_of(api)}"
    own = (await api.client.patch(path, json={"stop_loss_pct": 5, "take_profit_pct": None})).raise_for_status().json()
    shown = (await api.client.get("/positions")).json()["items"][0]
    back = await api.client.patch(path, json={"trailing_stop_pct": "7.5", "follow": ["stop_loss_pct"]})

    assert own["own"] == {"stop_loss_pct": "5", "take_profit_pct": None}
    assert (own["effective"]["stop_loss_pct"], own["effective"]["trailing_stop_pct"]) == ("5", "10")
    assert shown["exits"] == own["own"]
    assert back.raise_for_status().json()["own"] == {"take_profit_pct": None, "trailing_stop_pct": "7.5"}
    audit = await fetch(api, "SELECT revision, before, changed_by, request_id FROM position_exits ORDER BY revision")
    assert audit[1] == (2, own["own"], AUTHOR, back.headers["X-Request-Id"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"stop_loss_pct": 0}, "stop_loss_pct"),
        ({"max_trade_usdt": 5}, "max_trade_usdt"),
        ({"follow": ["auto_trade"]}, "auto_trade"),
        ({"stop_loss_pct": 5, "follow": ["stop_loss_pct"]}, "stop_loss_pct"),
        # Beyond the take-profit that is configured.
        ({"take_profit_ladder": [{"at_pct": 50, "sell_pct": 1}]}, "take_profit_ladder.0.at_pct"),
        ({}, "body"),
    ],
)
async def test_exits_that_do_not_fit_are_named_and_kept_from_the_position(
    api: ServedApi, body: dict[str, Any], field: str
) -> None:
    answer = await api.client.patch(f"/positions/{await number_of(api)}", json=body)

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["details"]["fields"]] == [field]
    assert await fetch(api, "SELECT * FROM position_exits") == []


async def test_a_position_is_given_up_with_a_reason(api: ServedApi) -> None:
    number = await number_of(api, state="unsellable")
    refused = await api.client.post(f"/positions/{number}/write-off", json={"reason": ""})
    asked = await api.client.post(f"/positions/{number}/write-off", json={"reason": "delisted"})

    assert [each["field"] for each in refused.json()["details"]["fields"]] == ["reason"]
    assert asked.json()["cost_usdt"] == "99.95"
    assert asked.json()["message"] == "ABCUSDT:1 (live): the executor writes off 99.95 USDT"
    assert await fetch(api, "SELECT reason, requested_by FROM write_offs") == [("delisted", AUTHOR)]


async def test_an_order_in_doubt_is_settled_by_what_an_operator_found(api: ServedApi) -> None:
    await store(api, "orders")
    path = "/orders/sniper-ABCUSDT-1/settle"
    unclear = await api.client.post(path, json={"absent": True, "base_qty": 1, "cost": 1, "reason": "why"})
    absent = await api.client.post("/orders/other/settle", json={"absent": True, "reason": "why"})
    filled = await api.client.post(path, json={"base_qty": "10.5", "cost": 21, "reason": "as the app shows it"})

    assert (unclear.status_code, absent.status_code, filled.status_code) == (422, 409, 202)
    assert filled.json()["message"].endswith("the executor is asked to record that it filled 10.5 for 21")
    assert await fetch(api, "SELECT requested_by, reason FROM settle_requests") == [(AUTHOR, "as the app shows it")]


# Who may.


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_a_token_that_may_only_view_writes_nothing(
    api: ServedApi, method: str, path: str, body: dict[str, Any] | None
) -> None:
    await store(api, "positions", id=1)
    await store(api, "orders")
    path = path.format(position_id=1, client_order_id="sniper-ABCUSDT-1")
    async with api.bearer(await api.make_token("viewer")) as viewer, api.stranger() as stranger:
        viewed = await viewer.request(method, path, json=body, headers={"If-Match": "*"})
        unknown = await stranger.request(method, path, json=body, headers={"If-Match": "*"})

    assert (viewed.status_code, viewed.json()["code"]) == (403, "view_only")
    assert unknown.status_code == 401
    assert {table: await fetch(api, f"SELECT * FROM {table}") for table in TABLES} == {table: [] for table in TABLES}


def test_every_call_that_writes_is_tried_without_the_right_to() -> None:
    routers = [each.router for each in (config_routes, exit_routes, order_routes, trading_routes, unplaced_routes)]
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    served = {(method, route.path) for route in routes for method in route.methods or ()}

    reading = {("GET", "/config/history"), ("GET", "/monitor"), ("GET", "/unplaced")}
    assert served - reading == {(method, path) for method, path, _ in WRITES}
