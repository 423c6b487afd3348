"""Health, status, statistics, stories, results, and what is to come."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from api.operator import trade_config
from shared.events import utc_now
from shared.postgres.database import Database
from tests.support.data import rows
from tests.support.data.builders import NOON
from tests.support.running.serving_api import ServedApi, serving_api

GATES = {"live": "", "keys": "", "clock": "", "reconciled": ""}


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[ServedApi]:
    async with serving_api(database_url) as served:
        yield served


async def store(database: Database, table: str, *many: dict[str, Any]) -> None:
    async with database.engine.begin() as connection:
        for each in many:
            await rows.store(connection, table, **each)


async def execute(database: Database, statement: str, *arguments: object) -> None:
    async with database.connection() as connection:
        await connection.execute(statement, *arguments)


async def get(api: ServedApi, path: str, **params: Any) -> Any:
    return (await api.client.get(path, params=params)).raise_for_status().json()


def component(name: str, **overrides: Any) -> dict[str, Any]:
    return {"component_name": name, "updated_at": utc_now(), **overrides}


def trade(name: str, **overrides: Any) -> dict[str, Any]:
    return {"event_id": name, "client_order_id": name, "created_at": utc_now(), **overrides}


async def test_probes_need_no_token(api: ServedApi) -> None:
    async with api.stranger() as stranger:
        alive, ready = await stranger.get("/health/live"), await stranger.get("/health/ready")
        api.runtime.telemetry.ready_when("broker", lambda: False)
        waiting = await stranger.get("/health/ready")

    assert (alive.json(), ready.json()) == ({"status": "ok"}, {"status": "ok"})
    assert (waiting.status_code, waiting.json()) == (
        503,
        {"code": "not_ready", "message": "waiting for: broker", "details": {"waiting_for": ["broker"]}},
    )


async def test_health_shows_feeds_as_old_as_they_are_and_each_process_once(api: ServedApi) -> None:
    feed = {"name": "websocket", "age_seconds": 2.0, "trouble": "", "optional": False}
    log = {"process": "host:1", "warnings": 2, "errors": 1, "latest": ["so it is"]}
    long_ago = utc_now() - timedelta(seconds=5)
    await store(
        api.database,
        "bot_health",
        component("dedup", facts={"troubles": log}),
        component("ingest", updated_at=long_ago, facts={"feeds": [feed], "troubles": log}),
    )
    await store(api.database, "listings", {"created_at": utc_now() - timedelta(hours=2)})

    health = await get(api, "/health")

    assert health["feeds"][0]["age_seconds"] >= 7
    assert health["troubles"] == [{**log, "components": ["dedup", "ingest"]}]
    assert health["latest_listing"]["symbol"] == "ABCUSDT"
    assert health["latest_listing"]["age_seconds"] >= 7200


async def test_status_names_every_gate_that_is_closed(api: ServedApi) -> None:
    facts = {"gates": GATES | {"clock": "uncertain by 900 ms"}, "exchange_ahead_ms": 1500.0}
    await store(api.database, "bot_health", component("executor", facts=facts))
    await store(api.database, "halts", {"created_at": utc_now(), "reason": "5 in a row"})

    status = await get(api, "/status")

    closed = {gate["name"]: gate["reason"] for gate in status["gates"] if not gate["open"]}
    assert status["trading"] == "dry-run"
    assert closed == {
        "auto_trade": "auto_trade is off",
        "halt": "halted by failures: 5 in a row",
        "clock": "uncertain by 900 ms",
    }
    assert 1.4 < (_at(status["exchange_now"]) - _at(status["now"])).total_seconds() < 1.6
    assert [(row["mode"], row["limit_usdt"], row["room_usdt"]) for row in status["exposure"]] == [
        ("dry-run", "1000.00", "1000.00"),
        ("live", "1000.00", "1000.00"),
    ]


async def test_status_is_live_when_nothing_stands_against_it(api: ServedApi) -> None:
    await store(api.database, "bot_health", component("executor", facts={"gates": GATES}))
    await trade_config.change(api.database, {"auto_trade": True}, changed_by="test", confirmation="live")

    assert (await get(api, "/status"))["trading"] == "live"


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_listings_are_counted_by_source_with_who_was_first(api: ServedApi) -> None:
    now, keys = utc_now(), [f"C{number}" for number in range(4)]
    sources = ["mexc_websocket"] * 3 + ["mexc_rest_api"]
    for key, source in zip(keys, sources, strict=True):
        listing = {"source": source, "symbol": f"{key}USDT"}
        await store(api.database, "listing_claims", {"listing_key": key, "raw_id": key, "listing": listing})
        await store(api.database, "listings", {"listing_key": key, "created_at": now, **listing})
    seen = [("C0", "mexc_rest_api", 1000), ("C1", "mexc_rest_api", -200), ("C3", "mexc_websocket", 50)]
    # A source's second word says nothing about who was first, nor does another word of the first one.
    seen += [("C0", "mexc_rest_api", 5000), ("C2", "mexc_websocket", 10)]
    for number, (key, source, lag_ms) in enumerate(seen):
        row = {"listing_key": key, "source": source, "lag_ms": lag_ms, "raw_id": f"o{number}"}
        await store(api.database, "listing_observations", row)

    stats = await get(api, "/listings/stats")

    assert (stats["total"], stats["by_source"]) == (4, {"mexc_rest_api": 1, "mexc_websocket": 3})
    assert stats["first"] == {"mexc_rest_api": 2, "mexc_websocket": 1}
    leads = {(lead["first"], lead["other"]): (lead["times"], lead["p50_ms"]) for lead in stats["leads"]}
    assert leads["mexc_websocket", "mexc_rest_api"] == (1, pytest.approx(1000, rel=0.05))
    assert leads["mexc_rest_api", "mexc_websocket"][0] == 2
    assert _at(stats["since"]).minute == 0


async def test_the_wait_for_an_announced_opening_is_no_latency(api: ServedApi) -> None:
    """However short it was, and whether the decision fell just before the opening or just after it."""
    due = {"due_at": (NOON + timedelta(seconds=30)).isoformat()}
    before, after = stages(0, 10, 30, 29_995, 30_100), stages(0, 10, 30, 30_010, 30_110)
    await store(api.database, "trades", trade("a", stages=before | due), trade("b", stages=after | due))

    latency = {each["stage"]: each for each in (await mode_stats(api))["latency"]}

    assert "decide" not in latency
    assert latency["order"]["p99_ms"] == pytest.approx(100, rel=0.06)
    assert latency["total"]["p99_ms"] == pytest.approx(110, rel=0.06)


async def test_what_is_older_than_the_window_is_not_counted(api: ServedApi) -> None:
    old = utc_now() - timedelta(hours=30)
    await store(api.database, "listings", {"created_at": old})

    assert (await get(api, "/listings/stats"))["total"] == 0
    assert (await get(api, "/listings/stats", hours=48))["total"] == 1


def stages(*milliseconds: int | None) -> dict[str, str]:
    names = ("observed_at", "published_at", "deduplicated_at", "decided_at", "answered_at")
    known = zip(names, milliseconds, strict=True)
    return {name: (NOON + timedelta(milliseconds=at)).isoformat() for name, at in known if at is not None}


async def mode_stats(api: ServedApi, mode: str = "dry-run") -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in (await get(api, "/trades/stats"))["modes"] if each["mode"] == mode)
    return found


async def test_trades_are_summarised_with_reasons_and_times(api: ServedApi) -> None:
    await store(
        api.database,
        "trades",
        trade("a", stages=stages(0, 10, 30, 60, 260), quote_qty=Decimal("95.50")),
        trade("b", side="SELL", stages=stages(0, 10, 30, 1000, 1400), quote_qty=Decimal("120.25")),
        trade("c", status="rejected", error_reason="max_position", stages=stages(0, 10, 30, 60, None)),
        trade("d", status="rejected", error_reason="no_liquidity: no bid", stages=stages(0, 10, 30, 60, 90)),
        trade("e", status="failed", error_reason="never_arrived", stages=stages(0, 10, 30, 60, None)),
        # What waited an hour for its opening was not slow.
        trade("f", stages=stages(0, 10, 30, 3_600_000, 3_600_100), quote_qty=Decimal(10)),
        trade("g", mode="live", quote_qty=Decimal(7)),
    )

    stats = await mode_stats(api)

    assert stats["count"] == 6
    assert stats["by_status"] == {"filled": 3, "rejected": 2, "failed": 1}
    # Three filled; the exchange had nothing for one, one never arrived; what a limit forbade was never to be sent.
    assert stats["error_rate"] == 0.4
    assert (stats["spent_usdt"], stats["received_usdt"]) == ("105.50", "120.25")
    assert {(each["side"], each["code"]): each["count"] for each in stats["refusals"]} == {
        ("BUY", "max_position"): 1,
        ("BUY", "no_liquidity"): 1,
        ("BUY", "never_arrived"): 1,
    }
    times = {each["stage"]: (each["samples"], each["p50_ms"]) for each in stats["latency"]}
    assert times == {
        "publish": (5, pytest.approx(10, rel=0.05)),
        "dedup": (5, pytest.approx(20, rel=0.05)),
        "decide": (4, pytest.approx(30, rel=0.05)),
        "order": (3, pytest.approx(100, rel=0.05)),
        "total": (2, pytest.approx(90, rel=0.05)),
        "sale": (1, pytest.approx(400, rel=0.05)),
    }
    assert sum(bucket["samples"] for bucket in stats["latency"][0]["buckets"]) == 5
    assert (await mode_stats(api, "live"))["spent_usdt"] == "7.00"


async def test_a_trade_that_ends_is_counted_as_what_it_is_now(api: ServedApi) -> None:
    await store(api.database, "trades", trade("a", status="pending", created_at=utc_now() - timedelta(hours=40)))
    assert (await mode_stats(api))["count"] == 0

    statement = "UPDATE trades SET status = 'filled', created_at = now(), quote_qty = 42, stages = $1"
    await execute(api.database, statement, stages(0, 1, 2, 3, 4))
    filled = await mode_stats(api)
    await execute(api.database, "UPDATE trades SET status = 'failed', error_reason = 'appeared'")
    failed = await mode_stats(api)

    assert (filled["by_status"], filled["spent_usdt"]) == ({"filled": 1}, "42.00")
    assert (failed["by_status"], failed["spent_usdt"], failed["error_rate"]) == ({"failed": 1}, "0.00", 1.0)
    assert [each["samples"] for each in failed["latency"]] == [1] * 5


async def test_sessions_that_count_at_once_do_not_wait_for_each_other(api: ServedApi) -> None:
    insert = """
        INSERT INTO trades (symbol, side, quote_qty, latency_ms, mode, status)
        VALUES ($1, 'BUY', 1, 0, 'live', 'filled')
    """
    async with api.database.transaction() as slow:
        await slow.execute(insert, "SLOWUSDT")
        for _ in range(3):
            await execute(api.database, insert, "QUICKUSDT")

    assert (await mode_stats(api, "live"))["count"] == 4


async def hold(api: ServedApi, key: str, *, mode: str = "dry-run", **overrides: Any) -> None:
    """Store a purchase for 100 and its position."""
    bought = {"listing_key": key, "mode": mode, "quote_qty": Decimal(100), "created_at": NOON}
    await store(api.database, "trades", {"event_id": key + mode, "client_order_id": key + mode, **bought})
    await store(api.database, "positions", {"listing_key": key, "mode": mode, "symbol": key, **overrides})


def closed(received: str, *, days_ago: float = 0) -> dict[str, Any]:
    at = utc_now() - timedelta(days=days_ago)
    return {"state": "closed", "base_qty": 0, "cost_usdt": 0, "received_usdt": Decimal(received), "closed_at": at}


async def test_results_are_realised_when_a_position_ends_and_unrealised_before(api: ServedApi) -> None:
    await hold(api, "WON", **closed("150.25"))
    await hold(api, "LOST", **closed("40"))
    await hold(api, "HELD", cost_usdt=Decimal(100))
    worth = {"worth_usdt": {"HELD dry-run": "90.50"}}
    await store(api.database, "bot_health", component("exits", facts=worth))

    known = (await mode_stats(api))["result"]
    await execute(api.database, "UPDATE bot_health SET facts = '{}'")
    unknown = (await mode_stats(api))["result"]

    assert known == {"realised_usdt": "-9.75", "closed": 2, "unrealised_usdt": "-9.50", "open": 1}
    assert unknown["unrealised_usdt"] is None


async def test_a_worth_that_nobody_watches_any_more_is_not_shown(api: ServedApi) -> None:
    await hold(api, "HELD")
    silent = {"updated_at": utc_now() - timedelta(minutes=1), "facts": {"worth_usdt": {"HELD dry-run": "90.50"}}}
    await store(api.database, "bot_health", component("exits", **silent))

    assert (await mode_stats(api))["result"]["unrealised_usdt"] is None


async def test_results_come_by_day_for_each_mode_without_a_gap(api: ServedApi) -> None:
    await hold(api, "OLD", **closed("500", days_ago=10))
    await hold(api, "WON", **closed("150", days_ago=2))
    await hold(api, "LOST", **closed("40", days_ago=2))
    await hold(api, "TODAY", **closed("101"))
    await hold(api, "LIVE", mode="live", **closed("90"))

    results = await get(api, "/results", days=4)

    dry, live = results["modes"]
    assert [(day["closed"], day["won"], day["realised_usdt"], day["cumulative_usdt"]) for day in dry["days"]] == [
        (0, 0, "0.00", "0.00"),
        (2, 1, "-10.00", "-10.00"),
        (0, 0, "0.00", "-10.00"),
        (1, 1, "1.00", "-9.00"),
    ]
    assert (dry["total_usdt"], live["total_usdt"]) == ("-9.00", "-10.00")
    assert dry["days"][-1]["day"] == results["until"] == utc_now().date().isoformat()


async def test_all_that_was_ever_earned_is_told_beside_the_series(api: ServedApi) -> None:
    for number, days_ago in enumerate((2, 40, 150, 300)):
        await hold(api, f"C{number}", **closed(str(101 + 10**number), days_ago=days_ago))
    await hold(api, "LIVE", mode="live", **closed("90", days_ago=1))

    found = [(await get(api, "/results", days=days))["modes"] for days in (1, 30, 200)]

    assert [(dry["all_time_usdt"], live["all_time_usdt"]) for dry, live in found] == [("1115.00", "-10.00")] * 3
    assert [dry["total_usdt"] for dry, _ in found] == ["0.00", "2.00", "114.00"]


async def test_the_sum_of_what_ended_long_ago_goes_on_where_a_day_has_passed(
    api: ServedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hold(api, "SOON", **closed("130", days_ago=30))
    before = (await get(api, "/results"))["modes"][0]
    monkeypatch.setattr("api.reading.statistics.results.utc_now", lambda: utc_now() + timedelta(days=4))
    after = (await get(api, "/results"))["modes"][0]

    assert (before["all_time_usdt"], after["all_time_usdt"], after["total_usdt"]) == ("30.00", "30.00", "0.00")


async def test_small_results_are_rounded_once_however_often_they_are_summed_up(
    api: ServedApi, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        ended = {**closed("100", days_ago=number * 10 + 1), "paid": Decimal(100), "proceeds": Decimal("100.004")}
        await hold(api, f"S{number}", **ended)
    told = [(await get(api, "/results"))["modes"][0]["all_time_usdt"]]
    for days in (3, 13, 23, 33):
        monkeypatch.setattr(
            "api.reading.statistics.results.utc_now", lambda days=days: utc_now() + timedelta(days=days)
        )
        told.append((await get(api, "/results"))["modes"][0]["all_time_usdt"])
    async with serving_api(database_url) as restarted:
        told.append((await get(restarted, "/results"))["modes"][0]["all_time_usdt"])

    assert told == ["0.05"] * 6


async def test_the_story_of_a_listing_tells_everything_of_each_occurrence(api: ServedApi) -> None:
    told = {
        "symbol": "ABCUSDT",
        "price": "0.50",
        "published_at": (NOON + timedelta(milliseconds=10)).isoformat(),
        "deduplicated_at": (NOON + timedelta(milliseconds=30)).isoformat(),
    }
    await store(api.database, "listings", {"created_at": NOON + timedelta(milliseconds=80)})
    await store(api.database, "listing_claims", {"listing": told, "opens_at": NOON + timedelta(hours=2)})
    await store(
        api.database,
        "listing_observations",
        {"lag_ms": 900},
        {"lag_ms": -40, "source": "test_injection", "raw_id": "r3"},
    )
    await store(
        api.database,
        "trades",
        trade("a", stages=stages(0, 10, 30, 60, 90), average_price=Decimal("0.51"), created_at=NOON),
        trade("b", mode="live", status="rejected", error_reason="max_position", created_at=NOON),
        trade("c", side="SELL", average_price=Decimal("0.75"), created_at=NOON + timedelta(hours=1)),
        trade("d", listing_key="ABCUSDT:2", created_at=NOON),
    )
    await store(
        api.database,
        "positions",
        {"mode": "dry-run", "average_price": Decimal("0.51"), "peak_price": Decimal(1), "base_qty": Decimal(100)},
        {"listing_key": "ABCUSDT:2"},
    )
    await store(api.database, "bot_health", component("exits", facts={"worth_usdt": {"ABCUSDT:1 dry-run": "60.00"}}))

    story = await get(api, "/listings/ABCUSDT")

    (occurrence,) = story["occurrences"]
    assert occurrence["listing"]["listing_key"] == "ABCUSDT:1"
    assert occurrence["opens_at"] == "2026-03-02T14:00:00Z"
    assert [(each["source"], each["lag_ms"]) for each in occurrence["seen"]] == [
        ("test_injection", -40),
        ("mexc_websocket", 0),
        ("mexc_rest_api", 900),
    ]
    assert [(each["name"], each["after_ms"]) for each in occurrence["stages"]] == [
        ("observed", 0),
        ("published", 10),
        ("deduplicated", 30),
        ("stored", 80),
        ("decided", 60),
        ("answered", 90),
    ]
    assert {each["mode"]: each["words"] for each in occurrence["decisions"]} == {
        "dry-run": "Bought on paper for 100.00 USDT at 0.51",
        "live": "Not bought: it would have taken what is held beyond the limit on all positions",
    }
    assert [(each["side"], each["mode"]) for each in occurrence["trades"]] == [
        ("BUY", "dry-run"),
        ("BUY", "live"),
        ("SELL", "dry-run"),
    ]
    assert len(occurrence["positions"]) == 1
    assert [(each["name"], each["price"], each["change_pct"]) for each in occurrence["prices"]] == [
        ("listed", "0.50", "0.00"),
        ("paid", "0.51", "2.00"),
        ("peak", "1", "100.00"),
        ("now", "0.60", "20.00"),
        ("sold", "0.75", "50.00"),
    ]


async def test_the_limits_of_the_executor_are_named_where_they_bound(api: ServedApi) -> None:
    await store(api.database, "listings", {})
    await store(api.database, "bot_health", component("executor", facts={"limits": {"orders_per_day": 200}}))
    await store(api.database, "trades", trade("a", status="rejected", error_reason="orders_per_day"))

    (occurrence,) = (await get(api, "/listings/ABCUSDT"))["occurrences"]

    assert occurrence["decisions"][0]["limits"] == {"orders_per_day": "200"}


async def test_a_listing_of_before_anything_else_was_kept_has_a_story(api: ServedApi) -> None:
    bare = {"listing_key": None, "observed_at": None, "opens_at": None, "base_asset": None, "quote_asset": None}
    await store(api.database, "listings", bare)

    (occurrence,) = (await get(api, "/listings/ABCUSDT"))["occurrences"]

    assert [each["name"] for each in occurrence["stages"]] == ["observed", "stored"]
    assert (occurrence["decisions"], occurrence["prices"]) == ([], [])


async def test_a_symbol_that_was_never_listed_is_not_found(api: ServedApi) -> None:
    missing, bad = await api.client.get("/listings/NOPEUSDT"), await api.client.get("/listings/no-symbol")

    assert (missing.status_code, missing.json()["message"]) == (404, "no listing of NOPEUSDT is recorded")
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid")


async def test_openings_to_come_are_listed_by_the_exchanges_clock(api: ServedApi) -> None:
    now = utc_now()
    soon, later = now + timedelta(minutes=10), now + timedelta(hours=3)
    await store(api.database, "bot_health", component("ingest", facts={"exchange_ahead_ms": 60_000}))
    await store(
        api.database,
        "symbols",
        {"symbol": "LATERUSDT", "state": "announced", "opens_at": later, "opens_moved_from": soon},
        {"symbol": "NEVERUSDT", "opens_at": None, "first_seen_at": now},
        {"symbol": "OLDUSDT", "opens_at": None, "first_seen_at": now - timedelta(days=8)},
        {"symbol": "TRADEDUSDT", "state": "tradable", "opens_at": later},
        {"symbol": "SOONUSDT", "opens_at": soon},
    )
    claims = [
        ("SOONUSDT:1", {"opens_at": later.isoformat(), "symbol": "SOONUSDT"}, soon, "moved"),
        ("test:OWNUSDT:1", {"opens_at": later.isoformat(), "symbol": "OWNUSDT", "quote_asset": "USDT"}, later, None),
        ("PASTUSDT:1", {"symbol": "PASTUSDT"}, now - timedelta(hours=1), None),
    ]
    for key, listing, opens_at, moved in claims:
        row = {"listing_key": key, "listing": listing, "opens_at": opens_at, "opens_raw_id": moved}
        await store(api.database, "listing_claims", row)
    await store(api.database, "orders", {"listing_key": "SOONUSDT:1", "state": "armed", "fire_at": soon})

    upcoming = await get(api, "/upcoming")

    assert [(each["symbol"], each["state"], each["waited_for"]) for each in upcoming["items"]] == [
        ("SOONUSDT", "listed", ["live"]),
        ("LATERUSDT", "announced", []),
        ("OWNUSDT", "listed", []),
        ("NEVERUSDT", "listed", []),
    ]
    first, second, own, never = upcoming["items"]
    assert 530 < first["seconds_left"] < 541
    assert (_at(first["moved_from"]), _at(second["moved_from"])) == (later, soon)
    assert (own["moved_from"], never["seconds_left"]) == (None, None)
    assert (_at(upcoming["exchange_now"]) - _at(upcoming["now"])).total_seconds() == 60


async def test_latency_is_told_by_the_hour_and_stage(api: ServedApi) -> None:
    hour = utc_now().replace(minute=0, second=0, microsecond=0)
    for ago, bucket, samples in ((0, 60, 9), (0, 80, 1), (2, 40, 3), (40, 10, 5)):
        counted = {"hour": hour - timedelta(hours=ago), "bucket": bucket, "samples": samples}
        await store(api.database, "latency_hours", {**counted, "stage": "order"})
    told = await get(api, "/trades/stats/latency", hours=24)

    by_mode = {each["mode"]: each["stages"] for each in told["modes"]}
    [stage] = by_mode["dry-run"]
    assert by_mode["live"] == []
    assert stage["stage"] == "order"
    assert [(each["hour"], each["samples"]) for each in stage["hours"]] == [
        ((hour - timedelta(hours=2)).isoformat().replace("+00:00", "Z"), 3),
        (hour.isoformat().replace("+00:00", "Z"), 10),
    ]
    earlier, latest = stage["hours"]
    assert earlier["p50_ms"] == earlier["p95_ms"] < latest["p50_ms"] < latest["p95_ms"]
