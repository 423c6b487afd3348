"""Lists by cursor and as CSV."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from shared.postgres.database import Database
from tests.support.data import rows
from tests.support.data.builders import NOON
from tests.support.running.serving_api import ServedApi, serving_api

CSV = {"Accept": "text/csv"}


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[ServedApi]:
    async with serving_api(database_url) as served:
        yield served


async def store(database: Database, table: str, *many: dict[str, Any]) -> None:
    async with database.engine.begin() as connection:
        for each in many:
            await rows.store(connection, table, **each)


def listing(symbol: str, minutes: int = 0, **more: Any) -> dict[str, Any]:
    return {"symbol": symbol, "listing_key": symbol, "created_at": NOON + timedelta(minutes=minutes), **more}


async def pages(client: httpx.AsyncClient, path: str, **params: Any) -> list[list[str]]:
    """Follow the cursor from the first page to the last."""
    found, cursor = [], None
    while True:
        wanted = params if cursor is None else {**params, "cursor": cursor}
        page = (await client.get(path, params=wanted)).raise_for_status().json()
        found.append([item["symbol"] for item in page["items"]])
        cursor = page["next"]
        assert (cursor is not None) is page["has_more"]
        if cursor is None:
            return found


async def test_the_cursor_leads_through_rows_of_one_moment_without_a_gap(api: ServedApi) -> None:
    names = [f"C{number:02}USDT" for number in range(10)]
    await store(api.database, "listings", *map(listing, names))

    found = await pages(api.client, "/listings", limit=3)

    assert [len(page) for page in found] == [3, 3, 3, 1]
    assert [name for page in found for name in page] == names[::-1]


async def test_what_is_stored_meanwhile_moves_no_page(api: ServedApi) -> None:
    await store(api.database, "listings", *(listing(f"C{number}USDT", number) for number in range(4)))
    first = (await api.client.get("/listings", params={"limit": 2})).json()
    await store(api.database, "listings", listing("NEWUSDT", 9))

    second = (await api.client.get("/listings", params={"limit": 2, "cursor": first["next"]})).json()

    assert [item["symbol"] for item in second["items"]] == ["C1USDT", "C0USDT"]


@pytest.mark.parametrize(
    ("path", "table", "at"),
    [
        ("/trades", "trades", "created_at"),
        ("/orders", "orders", "created_at"),
        ("/positions", "positions", "opened_at"),
    ],
)
async def test_every_list_has_a_cursor_and_bounds_of_time(api: ServedApi, path: str, table: str, at: str) -> None:
    def row(number: int) -> dict[str, Any]:
        symbol, keys = f"C{number}USDT", ("listing_key", "client_order_id", "event_id", "base_asset")
        own = {key: symbol for key in keys if key in rows.GOOD[table]}
        return {"symbol": symbol, at: NOON + timedelta(minutes=number), **own}

    await store(api.database, table, *map(row, range(5)))

    assert await pages(api.client, path, limit=2) == [["C4USDT", "C3USDT"], ["C2USDT", "C1USDT"], ["C0USDT"]]
    bounds = {"since": (NOON + timedelta(minutes=1)).isoformat(), "until": (NOON + timedelta(minutes=3)).isoformat()}
    assert await pages(api.client, path, **bounds) == [["C2USDT", "C1USDT"]]


async def test_listings_can_be_narrowed_by_symbol_and_source(api: ServedApi) -> None:
    both = {"listed_at": NOON + timedelta(hours=1), "listing_key": "again", "source": "mexc_rest_api"}
    await store(api.database, "listings", listing("AAAUSDT"), listing("BBBUSDT"), listing("AAAUSDT", 1, **both))

    assert await pages(api.client, "/listings", symbol="AAAUSDT", limit=1) == [["AAAUSDT"], ["AAAUSDT"]]
    assert await pages(api.client, "/listings", symbol="AAAUSDT", source="mexc_rest_api") == [["AAAUSDT"]]


async def test_a_side_of_trades_can_be_had(api: ServedApi) -> None:
    sale = {"side": "SELL", "symbol": "SOLDUSDT", "event_id": "2", "client_order_id": "2"}
    await store(api.database, "trades", {}, sale)

    assert await pages(api.client, "/trades", side="SELL") == [["SOLDUSDT"]]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"cursor": "x", "offset": 1}, "cursor: not a cursor"),
        ({"since": "2026-03-02T12:00:00Z", "until": "2026-03-02T12:00:00Z"}, "until: must be later than since"),
    ],
)
async def test_parameters_that_do_not_go_together_are_refused(
    api: ServedApi, params: dict[str, Any], message: str
) -> None:
    answer = await api.client.get("/listings", params=params)

    assert answer.status_code == 422
    assert answer.json()["message"].startswith(message)


async def test_a_cursor_and_an_offset_do_not_go_together(api: ServedApi) -> None:
    await store(api.database, "listings", listing("AAAUSDT"), listing("BBBUSDT"))
    cursor = (await api.client.get("/listings", params={"limit": 1})).json()["next"]

    answer = await api.client.get("/listings", params={"cursor": cursor, "offset": 1})

    assert (answer.status_code, "not together with a cursor" in answer.json()["message"]) == (422, True)


def read(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["vary"] == "Accept"
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_csv_has_every_row_however_many(api: ServedApi) -> None:
    statement = """
        INSERT INTO trades (symbol, side, quote_qty, latency_ms, mode, status)
        SELECT 'C' || n || 'USDT', 'BUY', n, 1, CASE WHEN n % 2 = 0 THEN 'live' ELSE 'dry-run' END, 'filled'
        FROM generate_series(1, 2500) AS n
    """
    async with api.database.connection() as connection:
        await connection.execute(statement)

    everything = read(await api.client.get("/trades", headers=CSV))
    live = read(await api.client.get("/trades", headers=CSV, params={"mode": "live"}))

    assert [row["symbol"] for row in everything] == [f"C{number}USDT" for number in range(2500, 0, -1)]
    assert len(live) == 1250


async def test_csv_tells_what_json_tells_in_plain_text(api: ServedApi) -> None:
    await store(api.database, "trades", {"base_qty": Decimal("1E-8"), "error_reason": 'of "many", words'})

    answer = await api.client.get("/trades", headers=CSV)
    (row,), item = read(answer), (await api.client.get("/trades")).json()["items"][0]

    assert list(row) == list(item)
    assert row["base_qty"] == "0.00000001"
    assert row["error_reason"] == 'of "many", words'
    assert row["words"] == item["words"] == 'for a reason that this version has no words for (of "many", words)'
    assert row["created_at"] == item["created_at"]
    assert (row["exit_reason"], row["fees"]) == ("", '{"MX": "0.05", "USDT": "0.01"}')
    assert answer.headers["content-disposition"] == 'attachment; filename="trades.csv"'
    assert answer.text.count("\r\n") == 2


async def test_csv_holds_no_formula_and_leaves_numbers_alone(api: ServedApi) -> None:
    await store(api.database, "positions", {"note": "=HYPERLINK(0)", "received_usdt": Decimal("-1.50")})

    (row,) = read(await api.client.get("/positions", headers=CSV))

    assert (row["note"], row["received_usdt"]) == ("'=HYPERLINK(0)", "-1.50")


async def test_csv_without_rows_still_has_its_names(api: ServedApi) -> None:
    answer = await api.client.get("/orders", headers=CSV)

    assert answer.text.startswith("id,listing_key,mode,side,")
    assert read(answer) == []


@pytest.mark.parametrize("param", ["limit", "offset", "cursor"])
async def test_csv_has_no_pages(api: ServedApi, param: str) -> None:
    value = "MTc3MjQ1MjgwMDAwMDAwMC4x" if param == "cursor" else "1"

    answer = await api.client.get("/listings", headers=CSV, params={param: value})

    assert answer.status_code == 422
    (field,) = answer.json()["details"]["fields"]
    assert field["field"] == param
    assert "narrow it by since and until" in field["message"]


async def test_a_refusal_is_told_in_words_with_the_settings_that_bound_it(api: ServedApi) -> None:
    await store(api.database, "trades", {"status": "rejected", "error_reason": "max_position: 95 of 100"})

    [item], [row] = (
        (await api.client.get("/trades")).json()["items"],
        read(await api.client.get("/trades", headers=CSV)),
    )

    assert item["words"].endswith("beyond the limit on all positions (95 of 100)")
    assert item["bound_by"] == ["max_position_usdt"]
    assert (row["words"], row["bound_by"]) == (item["words"], "max_position_usdt")


# What has ended.


def ended(symbol: str, minutes: int, **more: Any) -> dict[str, Any]:
    closed_at = NOON + timedelta(minutes=minutes)
    return {"symbol": symbol, "listing_key": symbol, "state": "closed", "closed_at": closed_at, **more}


async def test_what_has_ended_is_listed_by_its_end_with_filters_pages_and_as_a_file(api: ServedApi) -> None:
    await store(
        api.database,
        "positions",
        ended("LATEUSDT", 30),
        ended("EARLYUSDT", 10),
        ended("LOSTUSDT", 20, state="written_off"),
        ended("PAPERUSDT", 20, mode="dry-run"),
        {"symbol": "HELDUSDT", "listing_key": "HELDUSDT"},
    )
    path, late = "/positions/closed", {"since": (NOON + timedelta(minutes=20)).isoformat()}
    until = {"until": late["since"]}
    [first, *rest] = await pages(api.client, path, limit=1)
    file = (await api.client.get(path, params={"mode": "live", "format": "csv"})).raise_for_status()

    assert [first, *rest] == [["LATEUSDT"], ["PAPERUSDT"], ["LOSTUSDT"], ["EARLYUSDT"]]
    assert await pages(api.client, path, state="written_off") == [["LOSTUSDT"]]
    assert await pages(api.client, path, mode="live", **late) == [["LATEUSDT", "LOSTUSDT"]]
    assert await pages(api.client, path, **until) == [["EARLYUSDT"]]
    assert file.headers["content-type"].startswith("text/csv")
    assert [row["symbol"] for row in csv.DictReader(io.StringIO(file.text))] == ["LATEUSDT", "LOSTUSDT", "EARLYUSDT"]
    assert (await api.client.get(path, params={"state": "open"})).status_code == 422


async def test_a_link_says_in_which_format_whatever_the_client_accepts(api: ServedApi) -> None:
    await store(api.database, "listings", listing("ABCUSDT"))
    as_file = await api.client.get("/listings", params={"format": "csv"}, headers={"Accept": "application/json"})
    as_json = await api.client.get("/listings", params={"format": "json"}, headers=CSV)

    assert as_file.headers["content-type"].startswith("text/csv")
    assert as_json.json()["count"] == 1
