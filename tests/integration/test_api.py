import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from shared.events import utc_now
from shared.postgres.database import Database
from tests.servers.databases import PostgresServer
from tests.support.data import rows
from tests.support.data.builders import NOON
from tests.support.running.api_document import document
from tests.support.running.serving_api import ServedApi, serving_api

LISTS = ("/listings", "/trades", "/orders", "/positions")
PATHS = (*LISTS, "/health", "/status", "/config", "/listings/stats", "/trades/stats", "/results", "/upcoming")


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[ServedApi]:
    async with serving_api(database_url) as served:
        yield served


@pytest.fixture(scope="module")
def shared_url(postgres_server: PostgresServer) -> Iterator[str]:
    """One database for all tests that store nothing."""
    url = postgres_server.create_migrated_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
async def seeded_api(shared_url: str) -> AsyncIterator[ServedApi]:
    async with serving_api(shared_url) as served:
        yield served


async def store(database: Database, table: str, *many: dict[str, Any]) -> None:
    async with database.engine.begin() as connection:
        for each in many:
            await rows.store(connection, table, **each)


def listing(symbol: str, minutes: int, **more: Any) -> dict[str, Any]:
    created_at = NOON + timedelta(minutes=minutes)
    return {"symbol": symbol, "listing_key": f"{symbol}:1", "created_at": created_at, **more}


def trade(symbol: str, minutes: int, **more: Any) -> dict[str, Any]:
    ids = {"event_id": symbol, "client_order_id": symbol}
    return {"symbol": symbol, **ids, "created_at": NOON + timedelta(minutes=minutes), **more}


def symbols(answer: httpx.Response) -> Sequence[str]:
    return [item["symbol"] for item in answer.raise_for_status().json()["items"]]


async def test_listings_come_newest_first(api: ServedApi) -> None:
    await store(api.database, "listings", listing("OLDUSDT", 0), listing("NEWUSDT", 2), listing("MIDUSDT", 1))

    answer = (await api.client.get("/listings")).raise_for_status().json()

    assert [item["symbol"] for item in answer.pop("items")] == ["NEWUSDT", "MIDUSDT", "OLDUSDT"]
    assert answer == {"limit": 50, "offset": 0, "count": 3, "has_more": False, "next": None}


async def test_listings_stored_at_once_keep_the_order_they_were_stored_in(api: ServedApi) -> None:
    await store(api.database, "listings", *(listing(f"C{number:02}USDT", 0) for number in range(20)))

    pages = [await api.client.get("/listings", params={"limit": 5, "offset": offset}) for offset in range(0, 20, 5)]

    assert [each for page in pages for each in symbols(page)] == [f"C{number:02}USDT" for number in range(19, -1, -1)]


async def test_a_page_tells_whether_there_are_more(api: ServedApi) -> None:
    await store(api.database, "listings", *(listing(f"C{number}USDT", number) for number in range(3)))

    first = (await api.client.get("/listings", params={"limit": 2})).json()
    last = (await api.client.get("/listings", params={"limit": 2, "offset": 1})).json()
    beyond = (await api.client.get("/listings", params={"offset": 3})).json()

    assert [(page["count"], page["has_more"]) for page in (first, last, beyond)] == [(2, True), (2, False), (0, False)]


async def test_listings_can_be_had_of_one_source(api: ServedApi) -> None:
    await store(api.database, "listings", listing("WSUSDT", 0), listing("RESTUSDT", 1, source="mexc_rest_api"))

    assert symbols(await api.client.get("/listings", params={"source": "mexc_rest_api"})) == ["RESTUSDT"]


async def test_a_listing_shows_everything_with_times_in_utc(api: ServedApi) -> None:
    await store(api.database, "listings", listing("ABCUSDT", 0, opens_at=None))

    (item,) = (await api.client.get("/listings")).json()["items"]

    assert item.pop("id") > 0
    assert item == {
        "symbol": "ABCUSDT",
        "base_asset": "ABC",
        "quote_asset": "USDT",
        "source": "mexc_websocket",
        "listed_at": "2026-03-02T12:00:00Z",
        "opens_at": None,
        "observed_at": "2026-03-02T12:00:00Z",
        "late": False,
        "tradable": True,
        "not_tradable_reason": "",
        "listing_key": "ABCUSDT:1",
        "created_at": "2026-03-02T12:00:00Z",
    }


async def test_a_trade_shows_money_as_plain_text(api: ServedApi) -> None:
    await store(
        api.database,
        "trades",
        trade("ONEUSDT", 1, quote_qty=Decimal("0.10"), base_qty=Decimal("0.00000001")),
        trade("NONEUSDT", 0, base_qty=None, status="rejected", error_reason="position limit"),
    )

    one, none = (await api.client.get("/trades")).json()["items"]

    assert (one["quote_qty"], one["base_qty"], one["config"]) == ("0.10", "0.00000001", {"auto_trade": True})
    assert (none["base_qty"], none["status"], none["error_reason"]) == (None, "rejected", "position limit")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"mode": "live"}, ["LIVEUSDT"]),
        ({"status": "failed"}, ["FAILUSDT"]),
        ({"symbol": "DRYUSDT"}, ["DRYUSDT"]),
        ({"mode": "dry-run", "status": "filled"}, ["DRYUSDT"]),
        ({"mode": "live", "symbol": "DRYUSDT"}, []),
        ({}, ["FAILUSDT", "LIVEUSDT", "DRYUSDT"]),
    ],
)
async def test_trades_can_be_narrowed(api: ServedApi, wanted: dict[str, str], found: list[str]) -> None:
    dry, live = trade("DRYUSDT", 0), trade("LIVEUSDT", 1, mode="live")
    await store(api.database, "trades", dry, live, trade("FAILUSDT", 2, status="failed"))

    assert symbols(await api.client.get("/trades", params=wanted)) == found


async def test_an_order_shows_how_it_stands(api: ServedApi) -> None:
    await store(api.database, "orders", {"cost": Decimal("1E-12")})

    (item,) = (await api.client.get("/orders")).raise_for_status().json()["items"]

    assert {name: item[name] for name in ("state", "mode", "quote_qty", "cost", "misses", "fire_at")} == {
        "state": "unknown",
        "mode": "live",
        "quote_qty": "100.00",
        "cost": "0.000000000001",
        "misses": 2,
        "fire_at": None,
    }
    assert "listing" not in item
    assert "request" not in item


async def test_a_position_shows_what_is_held(api: ServedApi) -> None:
    await store(api.database, "positions", {})
    await store(api.database, "close_requests", {"created_at": NOON}, {"mode": "dry-run"})

    (item,) = (await api.client.get("/positions")).raise_for_status().json()["items"]

    assert item.pop("close_requested_at") == "2026-03-02T12:00:00Z"
    assert {name: item[name] for name in ("state", "base_qty", "cost_usdt", "average_price", "closed_at")} == {
        "state": "open",
        "base_qty": "1000000000000.000000000001",
        "cost_usdt": "99.95",
        "average_price": "0.0000000001",
        "closed_at": None,
    }


def order(symbol: str, **more: Any) -> dict[str, Any]:
    key = f"{symbol}:1"
    return {"symbol": symbol, "listing_key": key, "client_order_id": key, "base_asset": symbol, **more}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["SALEUSDT", "DRYUSDT", "LIVEUSDT"]),
        ({"mode": "live"}, ["SALEUSDT", "LIVEUSDT"]),
        ({"state": "filled"}, ["DRYUSDT"]),
        ({"side": "SELL"}, ["SALEUSDT"]),
        ({"symbol": "LIVEUSDT", "limit": "1"}, ["LIVEUSDT"]),
    ],
)
async def test_orders_come_newest_first_and_can_be_narrowed(
    api: ServedApi, wanted: dict[str, str], found: list[str]
) -> None:
    dry, sale = order("DRYUSDT", mode="dry-run", state="filled"), order("SALEUSDT", side="SELL")
    await store(api.database, "orders", order("LIVEUSDT"), dry, sale)

    assert symbols(await api.client.get("/orders", params=wanted)) == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["DUSTUSDT", "DRYUSDT", "LIVEUSDT"]),
        ({"mode": "dry-run"}, ["DRYUSDT"]),
        ({"state": "dust"}, ["DUSTUSDT"]),
        ({"symbol": "LIVEUSDT"}, ["LIVEUSDT"]),
    ],
)
async def test_positions_come_newest_first_and_can_be_narrowed(
    api: ServedApi, wanted: dict[str, str], found: list[str]
) -> None:
    many = {"LIVEUSDT": {}, "DRYUSDT": {"mode": "dry-run"}, "DUSTUSDT": {"state": "dust"}}
    rows_of = ({"symbol": symbol, "listing_key": f"{symbol}:1", **more} for symbol, more in many.items())
    await store(api.database, "positions", *rows_of)

    assert symbols(await api.client.get("/positions", params=wanted)) == found


@pytest.mark.parametrize(
    ("path", "field", "value", "message"),
    [
        ("/listings", "limit", "0", "greater than or equal to 1"),
        ("/listings", "limit", "101", "less than or equal to 100"),
        ("/listings", "limit", "many", "valid integer"),
        ("/listings", "offset", "-1", "greater than or equal to 0"),
        ("/listings", "offset", "9" * 30, "must not be more than 10000: follow `next` of each page with `cursor`"),
        ("/listings", "offset", "10001", "must not be more than 10000"),
        ("/listings", "cursor", "bm9uZQ", "not a cursor: pass on the `next` of a page as it is"),
        ("/listings", "cursor", "ż", "not a cursor"),
        ("/listings", "since", "2026-03-02T12:00:00", "timezone"),
        ("/listings", "until", "yesterday", "valid datetime"),
        ("/listings", "since", "2026", "must be a time as RFC 3339 writes it, like 2026-03-01T00:00:00Z"),
        ("/trades", "until", "20260301", "must be a time as RFC 3339 writes it"),
        ("/orders", "since", "-1772323200.5", "must be a time as RFC 3339 writes it"),
        ("/listings", "since", "0001-01-01T00:00:00+14:00", "too far from now"),
        ("/trades/stats", "hours", "745", "less than or equal to 744"),
        ("/listings/stats", "hours", "0", "greater than or equal to 1"),
        ("/results", "days", "367", "less than or equal to 366"),
        ("/listings", "source", "binance", "source must be: mexc_websocket, mexc_rest_api, or test_injection"),
        ("/listings", "sourze", "mexc_rest_api", "not permitted"),
        ("/trades", "limit", "0", "greater than or equal to 1"),
        ("/trades", "mode", "paper", "'dry-run' or 'live'"),
        ("/trades", "status", "done", "'filled', 'rejected', 'failed' or 'pending'"),
        ("/trades", "symbol", "a'; --", "Invalid symbol format"),
        ("/orders", "state", "lost", "'armed', 'sending'"),
        ("/orders", "side", "HOLD", "'BUY' or 'SELL'"),
        ("/positions", "state", "lost", "'closed', 'dust', 'external', 'unsellable' or 'written_off'"),
    ],
)
async def test_a_bad_parameter_is_refused_by_name(
    seeded_api: ServedApi, path: str, field: str, value: str, message: str
) -> None:
    answer = await seeded_api.client.get(path, params={field: value})

    assert answer.status_code == 422
    (error,) = answer.json()["details"]["fields"]
    assert error["field"] == field
    assert message in error["message"]
    assert (answer.json()["code"], answer.json()["message"]) == ("invalid", f"{field}: {error['message']}")


async def test_health_is_running_while_everything_reports(api: ServedApi) -> None:
    now = utc_now()
    both = ({"component_name": name, "updated_at": now, "last_event_at": NOON} for name in ("ingest", "dedup"))
    await store(api.database, "bot_health", *both)

    answer = (await api.client.get("/health")).raise_for_status().json()

    assert answer["status"] == "ok"
    assert [each["component_name"] for each in answer["components"]] == ["dedup", "ingest"]
    assert answer["components"][0]["last_event_at"] == "2026-03-02T12:00:00Z"


async def test_a_component_gone_silent_is_an_error_and_still_a_200(api: ServedApi) -> None:
    await store(
        api.database, "bot_health", {"component_name": "ingest", "updated_at": utc_now() - timedelta(minutes=1)}
    )

    answer = (await api.client.get("/health")).raise_for_status().json()

    (component,) = answer["components"]
    assert (answer["status"], component["status"]) == ("error", "error")
    assert component["age_seconds"] >= 60
    assert component["detail"].startswith("silent for 6")


async def test_config_shows_the_limits(seeded_api: ServedApi) -> None:
    answer = (await seeded_api.client.get("/config")).raise_for_status().json()

    assert answer.pop("created_at").endswith("Z")
    assert answer.pop("updated_at").endswith("Z")
    assert answer == {
        "max_trade_usdt": "100.00",
        "max_position_usdt": "1000.00",
        "auto_trade": False,
        "auto_trade_until": None,
        "take_profit_pct": "50",
        "take_profit_ladder": [],
        "stop_loss_pct": "15",
        "trailing_stop_pct": "10",
        "trailing_activation_pct": "20",
        "holding_seconds_max": 3600.0,
        "entry_slippage_pct": "5",
        "daily_loss_usdt_max": None,
        "halted": False,
        "exits_halted": False,
        "selling_all": False,
        "halted_reason": "",
        "halts": [],
    }


async def test_config_shows_every_halt_in_force(api: ServedApi) -> None:
    await store(api.database, "halts", {"created_at": NOON}, {"cause": "file", "mode": None, "reason": "exists"})

    first, second = (await api.client.get("/config")).raise_for_status().json()["halts"]

    assert first == {
        "cause": "failures",
        "mode": "live",
        "reason": "5 orders in a row failed",
        "since": "2026-03-02T12:00:00Z",
        "exits": False,
    }
    assert (second["cause"], second["mode"]) == ("file", None)


async def test_the_description_is_there_and_the_pages_around_it_are_not(seeded_api: ServedApi) -> None:
    description = (await seeded_api.client.get("/openapi.json")).raise_for_status().json()

    assert description == document()
    assert set(PATHS) < set(description["paths"])
    assert description["security"] == [{"token": []}, {"session": []}]
    assert [path for path in description["paths"] if "security" in description["paths"][path].get("post", {})] == [
        "/session"
    ]
    assert [(await seeded_api.client.get(path)).status_code for path in ("/docs", "/redoc", "/nothing")] == [
        404,
        404,
        404,
    ]


async def test_a_fault_of_ours_shows_nothing_of_our_insides(api: ServedApi, capsys: pytest.CaptureFixture[str]) -> None:
    await store(api.database, "bot_health", {"component_name": "c4n4ry", "facts": ["of no name"]})

    answer = await api.client.get("/health")

    assert (answer.status_code, answer.json()) == (
        500,
        {"code": "internal_error", "message": "internal error", "details": {}},
    )
    assert "ValidationError" in capsys.readouterr().out


async def test_requests_are_timed_by_route_and_outcome(seeded_api: ServedApi) -> None:
    await seeded_api.client.get("/listings")
    await seeded_api.client.get("/listings", params={"limit": 0})
    await seeded_api.client.get("/wp-admin.php")

    def count(method: str, route: str, status: str) -> float | None:
        labels = {"method": method, "route": route, "status": status}
        return seeded_api.runtime.telemetry.registry.get_sample_value("sniper_api_request_seconds_count", labels)

    assert count("GET", "/listings", "200") == 1
    assert count("GET", "/listings", "422") == 1
    assert count("ANY", "unknown", "404") == 1


async def test_many_can_ask_at_once(seeded_api: ServedApi) -> None:
    answers = await asyncio.gather(*(seeded_api.client.get(path) for path in PATHS * 10))

    assert {answer.status_code for answer in answers} == {200}
