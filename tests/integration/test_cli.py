"""The operator commands, run in this process as `sniper` runs them."""

import asyncio
import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from api.operator.operator_changes import CHANGEABLE
from cli.main import app
from shared.events import Event, RawListing, utc_now
from shared.wire import topology
from shared.wire.cloudevents import decode
from tests.support.data import rows
from tests.support.data.builders import NOON
from tests.support.running.services import emptying, open_database, rabbitmq_runtime

CANARY = "c4n4ry"

Sniper = Callable[..., Result]


@pytest.fixture
def sniper_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sniper:
    """Run a command in an empty directory, with these settings and no others."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    return lambda *arguments, **variables: runner.invoke(app, arguments, env={"COLUMNS": "200"} | variables)


@pytest.fixture
def sniper(sniper_alone: Sniper, database_url: str) -> Sniper:
    """Run a command on the database of this test."""
    return lambda *arguments, **variables: sniper_alone(*arguments, **{"SNIPER_DATABASE_URL": database_url} | variables)


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def silent_server() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def store(url: str, **tables: dict[str, Any]) -> None:
    async def store_all() -> None:
        async with open_database(url) as database, database.engine.begin() as connection:
            for table, row in tables.items():
                await rows.store(connection, table, **row)

    asyncio.run(store_all())


def fetch(url: str, query: str) -> list[tuple[Any, ...]]:
    async def ask() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_limits_are_set_and_shown(sniper: Sniper) -> None:
    assert sniper("config", "set", "max_trade_usdt", "50.5").exit_code == 0

    shown = json.loads(sniper("config", "get", "--json").stdout)
    lines = sniper("config", "get").stdout.splitlines()

    assert (shown["max_trade_usdt"], shown["max_position_usdt"], shown["auto_trade"]) == ("50.50", "1000.00", False)
    assert lines[:3] == [
        "max_trade_usdt          50.50",
        "max_position_usdt       1000.00",
        "auto_trade              false",
    ]


def test_who_changed_a_limit_is_recorded(sniper: Sniper, database_url: str) -> None:
    sniper("config", "set", "auto_trade", "true", "--confirm", "live", LOGNAME="ann")
    shown = sniper("config", "history").stdout

    assert fetch(database_url, "SELECT changed_by FROM trade_config_audit") == [("cli:ann",)]
    assert re.search(r"^2\S+ \S+ UTC  cli:ann\n    auto_trade: false -> true$", shown, re.MULTILINE)


def test_live_trading_is_switched_on_for_a_time_with_a_word_of_its_own(sniper: Sniper) -> None:
    refused = sniper("config", "set", "auto_trade", "true", "--until", "2h")
    sniper("config", "set", "auto_trade", "true", "--until", "2h", "--confirm", "live")
    shown = json.loads(sniper("config", "get", "--json").stdout)
    ends = datetime.fromisoformat(shown["auto_trade_until"])

    assert (refused.exit_code, refused.stderr) == (2, '--confirm: must be "live": orders would cost money\n')
    assert shown["auto_trade"]
    assert timedelta(minutes=110) < ends - utc_now() <= timedelta(hours=2)


@pytest.mark.parametrize(
    ("auto_trade", "until"), [("true", "nonsense"), ("true", "2001-01-01T00:00:00Z"), ("false", "2h")]
)
def test_a_bad_end_of_live_trading_names_its_option(sniper: Sniper, auto_trade: str, until: str) -> None:
    refused = sniper("config", "set", "auto_trade", auto_trade, "--until", until, "--confirm", "live")

    assert refused.exit_code == 2
    assert refused.stderr.startswith("--until: ")
    assert "auto_trade_until" not in refused.stderr


def test_exits_are_set_and_taken_away(sniper: Sniper) -> None:
    for key, value in [("stop_loss_pct", "none"), ("take_profit_ladder", '[{"at_pct": 30, "sell_pct": 50}]')]:
        assert sniper("config", "set", key, value).exit_code == 0
    shown = json.loads(sniper("config", "get", "--json").stdout)

    assert (shown["stop_loss_pct"], shown["take_profit_pct"]) == (None, "50")
    assert shown["take_profit_ladder"] == [{"at_pct": "30", "sell_pct": "50"}]
    assert sniper("config", "set", "take_profit_ladder", "[{").exit_code == 2
    assert sniper("config", "set", "take_profit_ladder", "none").exit_code == 0


@pytest.mark.parametrize(
    ("key", "value", "refusal"),
    [
        ("max_trade_usdt", "-5", "max_trade_usdt: Input should be greater than 0\n"),
        ("max_trade_usdt", "5000", "max_position_usdt: must not be less than max_trade_usdt\n"),
        ("max_profit", "5", f"max_profit: is not one of {', '.join(CHANGEABLE)}\n"),
    ],
)
def test_a_limit_that_does_not_fit_is_refused(sniper: Sniper, key: str, value: str, refusal: str) -> None:
    result = sniper("config", "set", key, value)

    assert (result.exit_code, result.stderr) == (2, refusal)


@pytest.mark.parametrize("reason", [("--reason", "fat [red]finger"), ("fat", "[red]finger"), ("fat [red]finger",)])
def test_trading_is_halted_for_a_reason_and_resumed(sniper: Sniper, reason: Sequence[str]) -> None:
    assert sniper("halt", *reason).exit_code == 0
    halted = json.loads(sniper("config", "get", "--json").stdout)
    line = sniper("config", "get").stdout.splitlines()[-1]
    resumed = sniper("resume")

    assert (halted["halted"], halted["exits_halted"], halted["halted_reason"]) == (True, False, "fat [red]finger")
    assert line.startswith("halted                  purchases since 2")
    assert line.endswith(" UTC, by operator: fat [red]finger")
    assert resumed.stdout.splitlines()[-1] == "halted                  no"


@pytest.mark.parametrize("command", ["halt", "halt-and-close"])
def test_a_stop_is_never_refused_for_the_form_of_its_reason(sniper: Sniper, command: str) -> None:
    assert sniper(command, "x\n" * 500).exit_code == 0

    assert json.loads(sniper("config", "get", "--json").stdout)["halted_reason"] == "x " * 100


def test_sales_are_halted_too_when_all_is_asked_for(sniper: Sniper) -> None:
    halted = sniper("halt", "--all")

    assert "halted                  purchases and sales since 2" in halted.stdout
    assert json.loads(sniper("config", "get", "--json").stdout)["exits_halted"] is True
    assert sniper("resume").stdout.splitlines()[-1] == "halted                  no"


def test_what_the_executor_halted_for_is_shown_and_lifted_by_an_operator(sniper: Sniper, database_url: str) -> None:
    store(database_url, halts={"created_at": NOON})

    line = "purchases (live) since 2026-03-02 12:00:00 UTC, by failures: 5 orders in a row failed"
    assert f"halted                  {line}" in sniper("config", "get").stdout.splitlines()
    assert f"Halted\n{line}" in sniper("status").stdout
    assert sniper("resume", LOGNAME="ann").stdout.splitlines()[-1] == "halted                  no"
    assert "Halted" not in sniper("status").stdout
    assert fetch(database_url, "SELECT changed_by FROM trade_config_audit") == [("cli:ann",)]


def test_status_shows_everything_on_one_screen(sniper: Sniper, database_url: str) -> None:
    silent_since = utc_now() - timedelta(minutes=1)
    store(
        database_url,
        listings={},
        trades={"status": "rejected", "error_reason": "[bold]limit"},
        bot_health={"component_name": "ingest", "updated_at": silent_since},
    )

    shown = sniper("status").stdout

    for part in (
        "Components: error",
        "silent for 6",
        "max_trade_usdt          100.00",
        "mexc_websocket     1",
        "2026-03-02 12:00:00",
        "BUY ABCUSDT",
        "dry-run rejected",
        "[bold]limit",
    ):
        assert part in shown


def test_status_is_there_for_programs(sniper: Sniper, database_url: str) -> None:
    store(database_url, listings={}, bot_health={"component_name": "ingest", "updated_at": utc_now()})

    shown = json.loads(sniper("status", "--json").stdout)

    assert shown["health"]["status"] == "ok"
    assert shown["listings_24h_by_source"] == {"mexc_websocket": 1}
    assert [each["symbol"] for each in shown["latest_listings"]] == ["ABCUSDT"]
    assert shown["latest_trades"] == []
    assert shown["config"]["halted"] is False


def test_status_shows_what_is_at_stake_in_each_mode(sniper: Sniper, database_url: str) -> None:
    store(database_url, exposure={"day": utc_now().date(), "failures": 3})
    fetch(database_url, "UPDATE exposure SET day = '2026-03-02' WHERE mode = 'dry-run'")

    lines = [line.split() for line in sniper("status").stdout.splitlines()]
    shown = json.loads(sniper("status", "--json").stdout)

    assert ["live", "100.00", "0.01", "1", "0.01", "3"] in lines
    assert ["dry-run", "100.00", "0.01", "0", "0.00", "3"] in lines  # What was done on another day does not count.
    assert [each["spent_today_usdt"] for each in shown["exposure"]] == ["0.00", "0.01"]


def test_status_shows_open_orders_and_what_each_of_them_waits_for(sniper: Sniper, database_url: str) -> None:
    many: dict[str, dict[str, Any]] = {
        "AAAUSDT": {"state": "armed", "quote_qty": 0, "fire_at": NOON},
        "BBBUSDT": {"state": "armed", "quote_qty": 0},
        "CCCUSDT": {"state": "unknown"},
        "DDDUSDT": {"state": "sending", "side": "SELL", "base_qty": Decimal("1E-8")},
        "EEEUSDT": {"state": "filled"},
    }
    for symbol, order in many.items():
        names = dict.fromkeys(("symbol", "listing_key", "base_asset", "client_order_id"), symbol)
        store(database_url, orders={**names, **order, "attention": None})

    lines = [line.split("03-02 12:00:00", 1)[1] for line in sniper("status").stdout.splitlines() if " 03-02 " in line]
    shown = json.loads(sniper("status", "--json").stdout)

    assert [" ".join(line.split()) for line in lines] == [
        "BUY AAAUSDT live armed for 2026-03-02 12:00:00 UTC",
        "BUY BBBUSDT live armed for an opening that nobody has told yet",
        "BUY CCCUSDT 100.00 USDT live unknown, looked for and not found 2 times (CCCUSDT)",
        "SELL DDDUSDT 0.00000001 live sending",
    ]
    assert [each["symbol"] for each in shown["open_orders"]] == ["AAAUSDT", "BBBUSDT", "CCCUSDT", "DDDUSDT"]


SINCE = "since 2026-03-02 12:00:00 UTC"


def exits(**overrides: Any) -> dict[str, Any]:
    return {"component_name": "exits", "updated_at": utc_now() + timedelta(seconds=50)} | overrides


@pytest.mark.parametrize(
    ("health", "alarm"),
    [
        ({"component_name": "persister"}, "nobody is there to sell them"),
        ({"status": "error", "detail": "no prices"}, "error: no prices"),
        ({"status": "degraded", "detail": "no prices"}, "degraded: no prices"),
        ({}, ""),
    ],
    ids=["nobody", "in error", "in trouble", "alive"],
)
def test_status_shows_open_positions_and_an_alarm_when_nobody_watches_them(
    sniper: Sniper, database_url: str, health: dict[str, Any], alarm: str
) -> None:
    store(database_url, positions={}, bot_health=exits(**health))
    store(database_url, positions={"listing_key": "OLDUSDT:1", "symbol": "OLDUSDT", "state": "closed"})

    shown = sniper("status").stdout

    assert f"Open positions are not watched\n{alarm}" in shown if alarm else "not watched" not in shown
    assert "ABCUSDT live 1000000000000 0.0000000001 99.95 0.00 open" in " ".join(shown.split())
    assert "OLDUSDT" not in shown


def test_status_tells_which_source_saw_a_listing_first_and_by_how_much(sniper: Sniper, database_url: str) -> None:
    store(database_url, listings={"tradable": False, "not_tradable_reason": "leveraged token"}, listing_observations={})
    store(database_url, listing_observations={"raw_id": "again", "lag_ms": 7000})
    store(database_url, listing_observations={"raw_id": "own", "source": "mexc_websocket", "lag_ms": 1})

    [line] = [line for line in sniper("status").stdout.splitlines() if "2026-03-02 12:00:00" in line]
    shown = json.loads(sniper("status", "--json").stdout)

    assert " ".join(line.split()[2:]) == "ABCUSDT websocket rest_api +1.000 s; not traded: leveraged token"
    assert {"listing_key": "ABCUSDT:1", "source": "mexc_rest_api", "lag_ms": 1000} in shown["also_seen"]


def test_positions_are_listed_for_people_and_for_programs(sniper: Sniper, database_url: str) -> None:
    store(database_url, positions={"received_usdt": Decimal("12.34")})
    store(database_url, positions={"listing_key": "OLDUSDT:1", "symbol": "OLDUSDT", "state": "closed"})

    shown = sniper("positions").stdout
    everything = sniper("positions", "--all").stdout
    (held,) = json.loads(sniper("positions", "--json").stdout)

    assert "ABCUSDT live 1000000000000 0.0000000001 99.95 12.34 open" in " ".join(shown.split())
    assert ("OLDUSDT" in shown, "OLDUSDT" in everything) == (False, True)
    assert (held["symbol"], held["cost_usdt"], held["close_requested_at"]) == ("ABCUSDT", "99.95", None)


def hold_several(database_url: str) -> None:
    for key, mode in (("ABCUSDT:1", "live"), ("ABCUSDT:1", "dry-run"), ("ABCUSDT:2", "live"), ("XYZUSDT:1", "live")):
        store(database_url, positions={"listing_key": key, "symbol": key[:-2], "mode": mode})


@pytest.mark.parametrize(
    ("arguments", "requested"),
    [
        (["ABCUSDT"], [("ABCUSDT:1", "dry-run"), ("ABCUSDT:1", "live"), ("ABCUSDT:2", "live")]),
        (["ABCUSDT", "--mode", "live"], [("ABCUSDT:1", "live"), ("ABCUSDT:2", "live")]),
        (["ABCUSDT:1"], [("ABCUSDT:1", "dry-run"), ("ABCUSDT:1", "live")]),
        (["ABCUSDT:1", "--mode", "dry-run"], [("ABCUSDT:1", "dry-run")]),
    ],
)
def test_the_executor_is_asked_to_sell_what_is_meant_and_nothing_else(
    sniper: Sniper, database_url: str, arguments: list[str], requested: list[tuple[str, str]]
) -> None:
    hold_several(database_url)
    store(database_url, bot_health=exits())

    result = sniper("close", *arguments, LOGNAME="ann")

    assert result.exit_code == 0
    assert sorted(result.stdout.splitlines()) == [
        f"{key} ({mode}): the executor is asked to sell it" for key, mode in requested
    ]
    assert fetch(
        database_url, "SELECT listing_key, mode, requested_by FROM close_requests ORDER BY listing_key, mode"
    ) == [(key, mode, "cli:ann") for key, mode in requested]


def test_asking_twice_is_asking_once(sniper: Sniper, database_url: str) -> None:
    store(database_url, positions={})
    sniper("close", "ABCUSDT", LOGNAME="ann")

    again = sniper("close", "ABCUSDT", LOGNAME="bob")

    assert again.stdout.startswith("ABCUSDT:1 (live): the executor has been asked to sell it since 2")
    assert "open, to be sold since" in sniper("positions").stdout
    assert fetch(database_url, "SELECT requested_by FROM close_requests") == [("cli:ann",)]


def test_whoever_closes_while_sales_are_halted_is_told(sniper: Sniper, database_url: str) -> None:
    store(database_url, positions={}, bot_health=exits())
    sniper("halt", "--all")

    assert sniper("close", "ABCUSDT").stdout.endswith("; sales are halted: it is sold once trading resumes\n")


@pytest.mark.parametrize(
    "health",
    [
        [{"component_name": "persister"}],
        [{"status": "stopped"}],
        [{"status": "error", "detail": "stopped, and 1 positions are not watched", "process_ended": True}],
        [{"updated_at": NOON}, {"component_name": "persister"}],
    ],
    ids=["never heard", "stopped", "stopped with positions", "silent"],
)
@pytest.mark.parametrize("arguments", [["close", "ABCUSDT"], ["halt-and-close"]])
def test_a_sale_requested_while_no_executor_runs_says_so(
    sniper: Sniper, database_url: str, arguments: list[str], health: list[dict[str, Any]]
) -> None:
    store(database_url, positions={})
    for row in health:
        store(database_url, bot_health=exits(**row))

    result = sniper(*arguments)

    assert result.exit_code == 0
    assert "asked to sell" in result.stdout
    assert result.stdout.endswith("; no executor runs: nothing is sold until one does\n")


@pytest.mark.parametrize(
    ("health", "gap"),
    [
        ([], "no health was ever stored"),
        ([{"updated_at": NOON}, {"component_name": "persister", "updated_at": NOON}], f"no health is stored {SINCE}"),
        ([{"updated_at": NOON, "status": "stopped"}], f"no health is stored {SINCE}"),
    ],
    ids=["never", "all are silent", "stopped, and perhaps started since"],
)
def test_where_no_health_is_stored_nobody_claims_that_nothing_is_sold(
    sniper: Sniper, database_url: str, health: list[dict[str, Any]], gap: str
) -> None:
    """It goes by the broker and the persister: an executor runs, and sells, without either."""
    store(database_url, positions={})
    for row in health:
        store(database_url, bot_health=exits(**row))

    said = sniper("close", "ABCUSDT").stdout
    shown = sniper("status").stdout

    assert said.endswith(f"; {gap}: it is not known whether an executor runs, and without one nothing is sold\n")
    assert f"It is not known whether open positions are watched\n{gap}" in shown


def test_everything_is_halted_and_sold_in_one_go(sniper: Sniper, database_url: str) -> None:
    hold_several(database_url)

    result = sniper("halt-and-close", "get", "out", LOGNAME="ann")

    config = json.loads(sniper("config", "get", "--json").stdout)
    assert result.stdout.startswith("purchases are halted, and the executor is asked to sell ABC")
    assert (config["halted"], config["selling_all"], config["halted_reason"]) == (True, True, "get out")
    assert "everything held is being sold" in sniper("config", "get").stdout
    requested = fetch(database_url, "SELECT count(*) FROM close_requests WHERE requested_by = 'cli:ann'")
    assert requested == fetch(database_url, "SELECT count(*) FROM positions WHERE state IN ('open', 'closing')")


def test_a_position_gets_exits_of_its_own(sniper: Sniper, database_url: str) -> None:
    store(database_url, positions={})

    own = sniper("positions", "exits", "ABCUSDT", "stop_loss_pct=5", "take_profit_pct=none", LOGNAME="ann")
    back = sniper("positions", "exits", "ABCUSDT:1", "stop_loss_pct=config", "--mode", "live")
    refused = sniper("positions", "exits", "ABCUSDT", "stop_loss_pct=500")

    assert "stop_loss_pct 5 (its own)" in own.stdout
    assert "take_profit_pct none (its own)" in own.stdout
    assert "stop_loss_pct 15," in back.stdout
    assert (refused.exit_code, refused.stderr) == (2, "stop_loss_pct: Input should be less than 100\n")
    assert fetch(database_url, "SELECT revision, changed_by FROM position_exits ORDER BY 1")[0] == (1, "cli:ann")


def test_detection_is_paused_and_goes_on(sniper: Sniper, database_url: str) -> None:
    paused, again, on = (
        sniper("monitor", "pause", "maintenance"),
        sniper("monitor", "pause"),
        sniper("monitor", "resume"),
    )

    assert paused.stdout == again.stdout == "detection sleeps until `sniper monitor resume`: maintenance\n"
    assert on.stdout == "detection goes on: what was listed meanwhile is published late\n"
    assert fetch(database_url, "SELECT paused FROM monitor_switches ORDER BY id") == [(True,), (False,)]


@pytest.mark.parametrize(
    ("options", "requested", "became"),
    [
        (["--absent"], (None, None, None, None), "never took place"),
        (
            ["--filled", "10.5", "--cost", "21"],
            (Decimal("10.5"), Decimal(21), None, None),
            "filled 10.5 for 21",
        ),
        (
            ["--filled", "10", "--cost", "20", "--fee", "0.02:MX"],
            (Decimal(10), Decimal(20), Decimal("0.02"), "MX"),
            "filled 10 for 20",
        ),
    ],
)
def test_an_operator_says_what_became_of_an_order_and_that_is_recorded_with_who_and_why(
    sniper: Sniper, database_url: str, options: list[str], requested: tuple[Any, ...], became: str
) -> None:
    store(database_url, orders={})

    result = sniper("orders", "settle", "sniper-ABCUSDT-1", *options, "--reason", "seen in the app", LOGNAME="ann")

    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"sniper-ABCUSDT-1 (BUY ABCUSDT): the executor is asked to record that it {became}\n"
    assert fetch(database_url, "SELECT base_qty, cost, fee, fee_asset, reason, requested_by FROM settle_requests") == [
        (*requested, "seen in the app", "cli:ann")
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "say either --absent, or --filled with --cost"),
        (["--absent", "--filled", "1", "--cost", "1"], "say either --absent, or --filled with --cost"),
        (["--filled", "1"], "say either --absent, or --filled with --cost"),
        (["--absent", "--fee", "1:USDT"], "say either --absent, or --filled with --cost"),
        (["--filled", "1", "--cost", "one"], "amounts are numbers"),
        (["--filled", "0", "--cost", "1"], "must be positive"),
        (["--filled", "NaN", "--cost", "1"], "must be positive"),
        (["--filled", "1", "--cost", "1", "--fee", "1"], "a fee needs its asset"),
        (["--filled", "1", "--cost", "1", "--fee", "-1:MX"], "not below nought"),
        (["--filled", "1", "--cost", "1", "--fee", ":MX"], "amounts are numbers"),
        (["--filled", "1", "--cost", "1", "--fee", f"1:{'M' * 41}"], "an asset has 40 characters at most"),
        (["--filled", "1E+1000000", "--cost", "1"], "what was filled has more digits than can be kept"),
        (
            ["--filled", "99.95", "--cost", "1250"],
            "a cost of 1250 is more than the 100.00 that were reserved: are filled and cost swapped?",
        ),
    ],
)
def test_what_an_operator_cannot_mean_is_refused(
    sniper: Sniper, database_url: str, options: list[str], says: str
) -> None:
    store(database_url, orders={})

    result = sniper("orders", "settle", "sniper-ABCUSDT-1", *options, "--reason", "why")

    assert result.exit_code == 2
    assert says in result.stderr
    assert fetch(database_url, "SELECT count(*) FROM settle_requests") == [(0,)]


@pytest.mark.parametrize(
    ("order", "options", "says"),
    [
        ({"state": "filled"}, ["--absent"], "sniper-ABCUSDT-1 is filled: there is nothing to decide about it"),
        ({"state": "sending"}, ["--absent"], "sniper-ABCUSDT-1 is sending: there is nothing to decide about it"),
        ({"state": "failed"}, ["--absent"], "sniper-ABCUSDT-1 is failed: there is nothing to decide about it"),
        ({"client_order_id": "another"}, ["--absent"], "there is no order sniper-ABCUSDT-1"),
    ],
)
def test_an_order_that_is_in_no_doubt_cannot_be_settled(
    sniper: Sniper, database_url: str, order: dict[str, Any], options: list[str], says: str
) -> None:
    store(database_url, orders=order)

    result = sniper("orders", "settle", "sniper-ABCUSDT-1", *options, "--reason", "why")

    assert (result.exit_code, result.stderr) == (2, f"{says}\n")


def test_an_order_that_needs_a_person_says_so_with_its_name(sniper: Sniper, database_url: str) -> None:
    store(database_url, orders={})

    shown = sniper("status", COLUMNS="400").stdout

    assert "sniper-ABCUSDT-1 needs a person: not shown for 120 s" in shown


@pytest.mark.parametrize("state", ["closed", "dust"])
def test_what_is_not_held_cannot_be_closed(sniper: Sniper, database_url: str, state: str) -> None:
    store(database_url, positions={"state": state})
    store(database_url, positions={"listing_key": "XYZUSDT:1", "symbol": "XYZUSDT"})

    gone = sniper("close", "ABCUSDT:1")
    of_the_other_mode = sniper("close", "XYZUSDT", "--mode", "dry-run")

    assert (gone.exit_code, gone.stderr) == (2, "no open position of ABCUSDT:1\n")
    assert (of_the_other_mode.exit_code, of_the_other_mode.stderr) == (2, "no open position of XYZUSDT (dry-run)\n")
    assert fetch(database_url, "SELECT count(*) FROM close_requests") == [(0,)]


@pytest.mark.parametrize("state", ["dust", "external", "unsellable"])
def test_what_cannot_be_sold_is_shown_with_its_reason_and_written_off_by_a_person_with_theirs(
    sniper: Sniper, database_url: str, state: str
) -> None:
    store(database_url, positions={"state": state, "note": "the account holds 0"})
    store(database_url, positions={"listing_key": "ABCUSDT:2", "symbol": "ABCUSDT", "mode": "dry-run"})

    shown = sniper("positions").stdout
    result = sniper("positions", "write-off", "ABCUSDT", "--mode", "live", "sold by hand", LOGNAME="ann")
    again = sniper("positions", "write-off", "ABCUSDT", "--mode", "live", "again", LOGNAME="bob")

    assert f"{state}: the account holds 0" in " ".join(shown.split())
    assert result.stdout == "ABCUSDT:1 (live): the executor writes off 99.95 USDT\n"
    assert again.exit_code == 0
    assert fetch(database_url, "SELECT listing_key, mode, requested_by, reason FROM write_offs") == [
        ("ABCUSDT:1", "live", "cli:ann", "sold by hand"),
        ("ABCUSDT:1", "live", "cli:bob", "again"),
    ]


@pytest.mark.parametrize(
    "arguments", [("ABCUSDT", "--mode", "live"), ("ABCUSDT", "why"), ("ABCUSDT", " ", "--mode", "live")]
)
def test_nothing_is_written_off_without_a_mode_and_a_reason(
    sniper: Sniper, database_url: str, arguments: tuple[str, ...]
) -> None:
    store(database_url, positions={})

    assert sniper("positions", "write-off", *arguments).exit_code == 2
    assert fetch(database_url, "SELECT count(*) FROM write_offs") == [(0,)]


@pytest.mark.parametrize("state", ["closed", "written_off"])
def test_what_has_ended_cannot_be_written_off(sniper: Sniper, database_url: str, state: str) -> None:
    store(database_url, positions={"state": state})

    result = sniper("positions", "write-off", "ABCUSDT", "--mode", "live", "why")

    assert (result.exit_code, result.stderr) == (2, "nothing is held of ABCUSDT (live)\n")


def test_watch_prints_what_was_stored_lately(sniper: Sniper, database_url: str) -> None:
    store(database_url, listings={}, trades={"created_at": utc_now() + timedelta(seconds=1)})

    result = sniper("watch", "--since", "5", "--limit", "2")

    assert [line[10:] for line in result.stdout.splitlines()] == [
        "listing  ABCUSDT by mexc_websocket, opens 2026-03-02 13:00:00 UTC",
        "trade    ABCUSDT BUY 100.00 USDT dry-run filled in 12 ms",
    ]


def test_an_injected_listing_waits_where_every_other_does(sniper: Sniper, database_url: str) -> None:
    assert sniper("inject", "TESTUSDC", "--quote", "USDC").exit_code == 0

    found = fetch(database_url, "SELECT routing_key, body FROM bus_messages WHERE queue = 'dedup.raw'")
    ((routing_key, body),) = found
    event = decode(body)
    assert routing_key == "raw.test_injection"
    assert isinstance(event, RawListing)
    assert (event.symbol, event.base_asset, event.quote_asset) == ("TESTUSDC", "TEST", "USDC")


def test_an_injected_listing_goes_to_the_broker_in_the_settings(
    sniper: Sniper, database_url: str, broker_url: str
) -> None:
    async def received() -> list[Event]:
        async with (
            rabbitmq_runtime(database_url, broker_url) as runtime,
            emptying(runtime.bus, topology.DEDUP_RAW) as outlet,
        ):
            await outlet.holds(1)
            return outlet.events

    assert sniper("inject", "TESTUSDT", SNIPER_BROKER_URL=broker_url).exit_code == 0

    (event,) = asyncio.run(received())
    assert (event.subject, event.event_type) == ("TESTUSDT", "sniper.listing.raw")


def test_a_symbol_that_none_can_have_is_not_injected(sniper: Sniper, database_url: str) -> None:
    result = sniper("inject", "TEST-USDT")

    assert (result.exit_code, result.stderr) == (2, "SYMBOL: Invalid symbol format\n")
    assert fetch(database_url, "SELECT count(*) FROM bus_messages") == [(0,)]


def test_a_symbol_of_another_script_is_injected(sniper: Sniper, database_url: str) -> None:
    assert sniper("inject", "币安人生USDT").exit_code == 0

    ((body,),) = fetch(database_url, "SELECT body FROM bus_messages WHERE queue = 'dedup.raw'")
    event = decode(body)
    assert isinstance(event, RawListing)
    assert (event.symbol, event.base_asset) == ("币安人生USDT", "币安人生")


def test_what_has_no_place_is_acknowledged_once_and_by_whom_is_recorded(sniper: Sniper, database_url: str) -> None:
    fetch(
        database_url,
        "INSERT INTO unplaced_symbols (symbol, reason) VALUES ('LONGUSDT', 'Invalid symbol format') RETURNING 1",
    )

    first, second = sniper("acknowledge"), sniper("acknowledge")

    assert first.stdout.startswith("LONGUSDT: Invalid symbol format, seen 20")
    assert (first.exit_code, second.exit_code, second.stdout) == (0, 0, "nothing to acknowledge\n")
    ((by, when),) = fetch(database_url, "SELECT acknowledged_by, acknowledged_at FROM unplaced_symbols")
    assert by.startswith("cli")
    assert when is not None


def test_the_history_tells_who_decided_what_newest_first(sniper: Sniper, database_url: str) -> None:
    store(database_url, positions={}, halts={})
    for command in (("halt", "odd"), ("halt", "odd"), ("resume",), ("close", "ABCUSDT")):
        assert sniper(*command).exit_code == 0
    told, latest = sniper("history"), sniper("history", "--limit", "1", "--json")

    words = [line.split("  ", 1)[1].partition(": ")[2] for line in told.stdout.splitlines()]
    assert words == [
        "had ABCUSDT:1 (live) sold",
        "resumed trading",
        "halted what was halted: odd",
        "halted purchases: odd",
        "halted purchases (live), by failures: 5 orders in a row failed",
    ]
    [entry] = json.loads(latest.stdout)["items"]
    assert (entry["kind"], entry["subject"], entry["request_id"]) == ("close", "ABCUSDT:1 (live)", None)


@pytest.mark.parametrize("command", [("status",), ("migrate",), ("inject", "TESTUSDT"), ("halt",), ("watch",)])
def test_a_database_that_is_not_there_is_one_sentence(
    sniper_alone: Sniper, command: tuple[str, ...], closed_port: int
) -> None:
    result = sniper_alone(*command, SNIPER_DATABASE_URL=f"postgresql://u:{CANARY}@127.0.0.1:{closed_port}/x")

    assert result.exit_code == 1
    assert result.stderr.startswith("database away: ConnectionRefusedError: ")
    assert result.stderr.count("\n") == 1
    assert CANARY not in result.output


def test_a_database_that_does_not_answer_is_given_up(sniper_alone: Sniper) -> None:
    with silent_server() as port:
        began = time.monotonic()
        result = sniper_alone(
            "status",
            SNIPER_DATABASE_URL=f"postgresql://u@127.0.0.1:{port}/x",
            SNIPER_DATABASE_CONNECT_TIMEOUT_SECONDS="0.5",
        )

    assert (result.exit_code, result.stderr) == (1, "database away: no answer in time\n")
    assert time.monotonic() - began < 5


def test_a_broker_that_is_not_there_is_one_sentence(sniper: Sniper, closed_port: int) -> None:
    result = sniper(
        "inject",
        "TESTUSDT",
        SNIPER_BROKER_URL=f"amqp://u:{CANARY}@127.0.0.1:{closed_port}/",
        SNIPER_BROKER_PUBLISH_TIMEOUT_SECONDS="0.5",
    )

    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert CANARY not in result.output


def test_a_database_that_does_not_exist_is_one_sentence(sniper: Sniper, database_url: str) -> None:
    result = sniper("status", SNIPER_DATABASE_URL=database_url.replace("/sniper_test_", "/no_", 1))

    assert result.exit_code == 2
    assert re.match(
        r'the database refuses: database "no_\w+" does not exist: create it \(CREATE DATABASE ', result.stderr
    )
    assert result.stderr.count("\n") == 1


def test_an_empty_database_is_migrated(sniper_alone: Sniper, empty_database_url: str) -> None:
    before = sniper_alone("status", SNIPER_DATABASE_URL=empty_database_url)
    first = sniper_alone("migrate", SNIPER_DATABASE_URL=empty_database_url)
    second = sniper_alone("migrate", SNIPER_DATABASE_URL=empty_database_url)
    after = sniper_alone("status", SNIPER_DATABASE_URL=empty_database_url)

    assert (before.exit_code, before.stderr) == (
        1,
        "the database has no schema, or an older one: run `sniper migrate`\n",
    )
    assert first.exit_code == second.exit_code == after.exit_code == 0
    assert first.stdout.startswith("the schema is at ")


def test_a_database_of_a_newer_build_is_left_alone(sniper: Sniper, database_url: str) -> None:
    fetch(database_url, "UPDATE alembic_version SET version_num = '999'")

    result = sniper("migrate")

    assert result.exit_code == 1
    assert result.stderr.startswith("the schema cannot be migrated: ")
    assert fetch(database_url, "SELECT version_num FROM alembic_version") == [("999",)]


def test_a_command_on_a_newer_schema_does_not_ask_for_a_migration(sniper: Sniper, database_url: str) -> None:
    fetch(database_url, "UPDATE alembic_version SET version_num = '999'")
    fetch(database_url, "ALTER TABLE trade_config RENAME TO limits")

    result = sniper("status")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("schema is at 999, made by a newer build than this one")


def test_the_simulator_takes_no_port_of_kubernetes_for_its_own(sniper_alone: Sniper) -> None:
    with silent_server() as port:
        result = sniper_alone(
            "simulator", SNIPER_SIMULATOR_PORT="tcp://10.0.0.1:80", SNIPER_SIMULATOR_HOST=f"no.such.host.{port}.invalid"
        )

    assert result.exit_code == 2
    assert result.stderr.startswith("--port: cannot listen on no.such.host.")


@pytest.mark.parametrize("command", [("status",), ("run", "api"), ("simulator",), ("migrate",)])
def test_an_env_file_that_cannot_be_read_is_one_sentence(sniper_alone: Sniper, command: tuple[str, ...]) -> None:
    Path(".env").write_bytes("SNIPER_LOG_LEVEL=debug\n".encode("utf-16"))

    result = sniper_alone(*command)

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.endswith("/.env: must be UTF-8 and is UTF-16: save it as UTF-8\n")


def test_a_question_sets_nothing_up(sniper_alone: Sniper) -> None:
    result = sniper_alone("status")

    assert result.exit_code == 1
    assert result.stderr == "there is no data in .sniper yet: start `sniper up`, or set SNIPER_DATABASE_URL\n"
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("command", [("status",), ("migrate",), ("run", "api"), ("inject", "TESTUSDT")])
def test_a_bad_setting_is_named_and_not_shown(sniper_alone: Sniper, command: tuple[str, ...]) -> None:
    result = sniper_alone(*command, SNIPER_DATABASE_URL=f"mysql://{CANARY}@host/x")

    assert result.exit_code == 2
    assert (
        result.stderr == "SNIPER_DATABASE_URL: must start with postgres:// or postgresql:// or postgresql+asyncpg://\n"
    )


@pytest.mark.parametrize(
    ("service", "variable"),
    [
        ("ingest", "SNIPER_INGEST_STALL_SECONDS"),
        ("dedup", "SNIPER_DEDUP_REMEMBERED_KEYS_MAX"),
        ("executor", "SNIPER_EXECUTOR_TAKER_FEE"),
        ("executor", "SNIPER_MEXC_REST_URL"),
        ("persister", "SNIPER_PERSISTER_WINDOW_SECONDS"),
        ("api", "SNIPER_API_PORT"),
    ],
)
def test_a_bad_setting_of_a_service_is_named_before_anything_is_waited_for(
    sniper_alone: Sniper, service: str, variable: str, closed_port: int
) -> None:
    away = f"postgresql://u@127.0.0.1:{closed_port}/x"
    result = sniper_alone("run", service, SNIPER_DATABASE_URL=away, **{variable: CANARY})

    assert result.exit_code == 2
    assert result.stderr.startswith(f"{variable}: ")
    assert CANARY not in result.output


@pytest.mark.parametrize(
    ("service", "variable"),
    [
        ("dedup", "SNIPER_API_PORT"),
        ("api", "SNIPER_EXECUTOR_TAKER_FEE"),
        ("persister", "SNIPER_MEXC_REST_URL"),
        ("executor", "SNIPER_INGEST_STALL_SECONDS"),
        ("ingest", "SNIPER_PERSISTER_WINDOW_SECONDS"),
    ],
)
def test_a_service_does_not_end_for_a_setting_of_another(
    sniper_alone: Sniper, service: str, variable: str, database_url: str
) -> None:
    missing = database_url.replace("/sniper_test_", "/no_", 1)

    result = sniper_alone("run", service, SNIPER_DATABASE_URL=missing, SNIPER_METRICS_PORT="0", **{variable: CANARY})

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("the database refuses: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "nobody"),
        ("up", "--exchange", "binance"),
        ("demo", "--listings", "0"),
        ("simulator", "--port", "65536"),
        ("watch", "--limit", "-1"),
        ("inject",),
        ("close",),
        ("close", "ABCUSDT", "--mode", "paper"),
        ("nothing",),
    ],
)
def test_what_cannot_be_meant_is_refused(sniper_alone: Sniper, arguments: tuple[str, ...]) -> None:
    assert sniper_alone(*arguments).exit_code == 2


def test_a_port_in_use_is_refused_by_name(sniper_alone: Sniper) -> None:
    with silent_server() as port:
        result = sniper_alone("simulator", "--port", str(port))

    assert result.exit_code == 2
    assert result.stderr.startswith(f"--port: cannot listen on 127.0.0.1:{port}: ")
