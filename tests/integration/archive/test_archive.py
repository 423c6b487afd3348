"""`sniper archive`: written, verified, deleted and restored, on a real PostgreSQL."""

import asyncio
import gzip
import json
import re
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pyarrow import parquet
from sqlalchemy import make_url
from typer.testing import CliRunner, Result

from cli.archive import day_file, manifest, role, writing
from cli.main import app
from migrations import roles
from shared.events import utc_now
from shared.postgres.schema.tables import metadata
from tests.integration.archive.dying_child import Death, run
from tests.servers.databases import PostgresServer
from tests.support.data import rows
from tests.support.running.processes import clean
from tests.support.running.services import open_database
from tests.support.running.starting import FORKING

AT = datetime.fromisoformat("2026-03-01T23:30:00+02:00")
"""Still the first of March in UTC."""
DAYS = 3
PER_DAY = 4
Sniper = Callable[..., Result]
Rows = dict[str, list[str]]


@pytest.fixture
def sniper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Sniper:
    """Run a command on the database of this test."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments, **variables: CliRunner().invoke(
        app, arguments, env={"SNIPER_DATABASE_URL": database_url} | variables
    )


@pytest.fixture
def _stored(database_url: str) -> None:
    """Listings and trades of three old days, and of now."""

    async def store_all() -> None:
        async with open_database(database_url) as database, database.engine.begin() as connection:
            for day in range(DAYS):
                for number in range(PER_DAY):
                    await _store_pair(connection, f"D{day}N{number}", AT + timedelta(days=day, minutes=number))
            await _store_pair(connection, "NEW", utc_now())

    asyncio.run(store_all())


async def _store_pair(connection: Any, name: str, at: datetime) -> None:
    key = f"{name}USDT:1"
    await rows.store(
        connection,
        "listings",
        symbol=f"{name}USDT",
        listing_key=key,
        listed_at=at,
        created_at=at,
        not_tradable_reason='one\u2028line, \u00e4 "quoted"\nand another',
    )
    await rows.store(
        connection,
        "trades",
        symbol=f"{name}USDT",
        listing_key=key,
        event_id=f"{key}/BUY",
        client_order_id=f"sn-{name}",
        created_at=at + timedelta(microseconds=1),
        base_qty=Decimal("123456789.1234567890123450"),
        fees={"MX": "0.10", "nested": [1, 2.50]},
    )


def fetch(url: str, query: str, *arguments: object) -> list[Any]:
    async def ask() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return [row[0] for row in await connection.fetch(query, *arguments)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def everything(url: str) -> Rows:
    """Every listing and trade as PostgreSQL writes the row: not a digit may differ."""
    return {table: fetch(url, f"SELECT {table}::text FROM {table} ORDER BY id") for table in manifest.TABLES}


def counts(url: str) -> list[list[Any]]:
    """What triggers keep of rows: statistics by the hour, and the log of the stream."""
    queries = ("SELECT sum(listings)::int FROM listing_hours", "SELECT sum(trades)::int FROM trade_hours")
    return [fetch(url, query) for query in (*queries, "SELECT count(*) FROM stream_events")]


def files(directory: Path) -> dict[str, bytes]:
    found = sorted([*directory.rglob("*.gz"), *directory.rglob("*.parquet")])
    return {f"{each.relative_to(directory)}": each.read_bytes() for each in found}


def file_of(directory: Path, table: str, day: int) -> Path:
    """The one file of that day of March."""
    (found,) = directory.glob(f"{table}/2026-03-0{day}.*.jsonl.gz")
    return found


def archived(sniper: Sniper, *options: str) -> Any:
    ended = sniper("archive", "--older-than", "90d", "--to", "kept", "--json", *options)
    assert ended.exit_code == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.usefixtures("_stored")
def test_each_old_day_is_a_file_and_nothing_is_deleted(sniper: Sniper, database_url: str, tmp_path: Path) -> None:
    before = everything(database_url)
    told = archived(sniper)

    assert everything(database_url) == before
    assert [(each["table"], each["day"], each["rows"], each["written"]) for each in told["files"]] == [
        (table, f"2026-03-0{day}", PER_DAY, PER_DAY) for table in manifest.TABLES for day in (1, 2, 3)
    ]
    lines = gzip.decompress(file_of(tmp_path / "kept", "trades", 1).read_bytes()).decode().split("\n")
    assert json.loads(lines[0], parse_float=str)["base_qty"] == "123456789.1234567890123450"


@pytest.mark.usefixtures("_stored")
def test_archiving_again_verifies_and_writes_the_same_bytes(sniper: Sniper, tmp_path: Path) -> None:
    archived(sniper)
    first = files(tmp_path / "kept")
    again = archived(sniper)
    (tmp_path / "kept").rename(tmp_path / "before")
    archived(sniper)

    assert {(each["written"], each["verified"]) for each in again["files"]} == {(0, PER_DAY)}
    assert files(tmp_path / "kept") == first
    assert len(first) == 2 * DAYS


@pytest.mark.usefixtures("_stored")
def test_what_was_deleted_comes_back_bit_by_bit_without_news_of_it(sniper: Sniper, database_url: str) -> None:
    archived(sniper)
    before, told = everything(database_url), counts(database_url)

    deleted = sniper("archive", "delete", "--from", "kept", "--confirm", "delete")
    left = {table: len(found) for table, found in everything(database_url).items()}
    restored = sniper("archive", "restore", "--from", "kept")
    twice = json.loads(sniper("archive", "restore", "--from", "kept", "--json").stdout)

    assert (deleted.exit_code, restored.exit_code) == (0, 0), deleted.stderr + restored.stderr
    assert left == {"listings": 1, "trades": 1}
    assert everything(database_url) == before
    assert counts(database_url) == told
    assert {(each["restored"], each["there"]) for each in twice["files"]} == {(0, PER_DAY)}


@pytest.mark.usefixtures("_stored")
def test_an_empty_database_takes_it_all_and_goes_on_with_other_ids(
    sniper: Sniper, database_url: str, postgres_server: PostgresServer
) -> None:
    archived(sniper)
    old = fetch(database_url, "SELECT listings::text FROM listings WHERE symbol <> 'NEWUSDT' ORDER BY id")
    other = postgres_server.create_migrated_database()
    try:
        assert sniper("archive", "restore", "--from", "kept", SNIPER_DATABASE_URL=other).exit_code == 0
        assert everything(other)["listings"] == old
        asyncio.run(_store_next(other))
        assert fetch(other, "SELECT id FROM listings ORDER BY id DESC LIMIT 1") == [DAYS * PER_DAY + 1]
    finally:
        postgres_server.drop_database(other)


async def _store_next(url: str) -> None:
    async with open_database(url) as database, database.engine.begin() as connection:
        await _store_pair(connection, "NEXT", utc_now())


@pytest.mark.usefixtures("_stored")
def test_what_is_open_or_has_changed_stays(sniper: Sniper, database_url: str) -> None:
    archived(sniper)

    async def hold() -> None:
        async with open_database(database_url) as database, database.engine.begin() as connection:
            await rows.store(connection, "positions", listing_key="D0N0USDT:1", mode="live", state="open")
            await rows.store(connection, "orders", listing_key="D1N1USDT:1", mode="live", state="unknown")
        for change in (
            "mode = 'live' WHERE symbol IN ('D0N0USDT', 'D1N1USDT')",
            "status = 'pending' WHERE symbol = 'D2N2USDT'",
            "fee = 1 WHERE symbol = 'D2N3USDT'",
        ):
            await _execute(database_url, f"UPDATE trades SET {change}")

    asyncio.run(hold())
    ended = sniper("archive", "delete", "--from", "kept", "--confirm", "delete")

    kept = ["D0N0USDT", "D1N1USDT", "D2N2USDT", "D2N3USDT"]
    assert (ended.exit_code, "archive again, and then delete" in ended.stderr) == (1, True)
    assert fetch(database_url, "SELECT symbol FROM trades WHERE symbol <> 'NEWUSDT' ORDER BY symbol") == kept
    assert fetch(database_url, "SELECT symbol FROM listings WHERE symbol <> 'NEWUSDT' ORDER BY symbol") == kept[:2]


@pytest.mark.usefixtures("_stored")
def test_a_changed_row_is_archived_again_beside_what_has_left(sniper: Sniper, database_url: str) -> None:
    archived(sniper)
    asyncio.run(_execute(database_url, "UPDATE trades SET fee = 1 WHERE symbol = 'D2N3USDT'"))
    sniper("archive", "delete", "--from", "kept", "--confirm", "delete")

    again = archived(sniper)["files"]
    assert [(each["table"], each["day"], each["rows"], each["written"]) for each in again] == [
        ("trades", "2026-03-03", PER_DAY, PER_DAY)
    ]
    assert sniper("archive", "delete", "--from", "kept", "--confirm", "delete").exit_code == 0
    sniper("archive", "restore", "--from", "kept")
    assert fetch(database_url, "SELECT count(*) FROM trades WHERE fee = 1 AND symbol = 'D2N3USDT'") == [1]
    assert fetch(database_url, "SELECT count(*) FROM trades") == [DAYS * PER_DAY + 1]


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.usefixtures("_stored")
def test_nothing_is_deleted_without_the_word_or_by_a_damaged_archive(
    sniper: Sniper, database_url: str, tmp_path: Path
) -> None:
    archived(sniper)
    before = everything(database_url)
    unsaid = sniper("archive", "delete", "--from", "kept")
    damaged = file_of(tmp_path / "kept", "trades", 2)
    damaged.write_bytes(damaged.read_bytes()[:-9])
    refused = sniper("archive", "delete", "--from", "kept", "--confirm", "delete")
    looked = sniper("archive", "verify", "--from", "kept")

    assert (unsaid.exit_code, unsaid.stderr) == (
        2,
        '--confirm: must be "delete": archived rows leave the database\n',
    )
    assert (refused.exit_code, looked.exit_code) == (1, 1)
    assert f"{damaged.name} is not what the manifest says (checksum)" in refused.stderr
    assert everything(database_url) == before


@pytest.mark.usefixtures("_stored")
def test_a_damaged_file_is_written_anew_while_the_database_has_its_rows(sniper: Sniper, tmp_path: Path) -> None:
    archived(sniper)
    whole = files(tmp_path / "kept")
    file_of(tmp_path / "kept", "listings", 1).unlink()
    archived(sniper)
    assert files(tmp_path / "kept") == whole

    sniper("archive", "delete", "--from", "kept", "--confirm", "delete")
    sniper("archive", "restore", "--from", "kept")
    assert sniper("archive", "verify", "--from", "kept").exit_code == 0


@pytest.mark.usefixtures("_stored")
def test_a_run_that_is_killed_anywhere_is_finished_by_the_next(
    sniper: Sniper, database_url: str, tmp_path: Path
) -> None:
    archived(sniper)
    whole = {name: (tmp_path / "kept" / name).read_bytes() for name in [*files(tmp_path / "kept"), manifest.NAME]}
    for step in range(1, 11):
        assert died(database_url, tmp_path, "resumed", step)
    ended = sniper("archive", "--older-than", "90d", "--to", "resumed")

    assert ended.exit_code == 0, ended.stderr
    assert {name: (tmp_path / "resumed" / name).read_bytes() for name in whole} == whole
    assert files(tmp_path / "resumed").keys() == files(tmp_path / "kept").keys()


def died(database_url: str, directory: Path, archive: str, step: int) -> bool:
    """Archive in a process that dies at that step; return whether it got so far."""
    environment = clean() | {"SNIPER_DATABASE_URL": database_url}
    process = FORKING.Process(target=run, args=(Death(environment, directory / archive, step),))
    process.start()
    process.join()
    assert process.exitcode in {0, -signal.SIGKILL}
    return process.exitcode != 0


@pytest.mark.usefixtures("_stored")
def test_a_merge_that_is_killed_anywhere_loses_nothing(sniper: Sniper, database_url: str, tmp_path: Path) -> None:
    archived(sniper)
    asyncio.run(_execute(database_url, "UPDATE trades SET fee = 1 WHERE symbol = 'D2N3USDT'"))
    sniper("archive", "delete", "--from", "kept", "--confirm", "delete")
    step = 1
    while died(database_url, _copied(tmp_path, step), "kept", step):
        run = tmp_path / f"{step}" / "kept"
        deleted = sniper("archive", "verify", "--from", f"{run}")
        ended = sniper("archive", "--older-than", "90d", "--to", f"{run}")
        assert (deleted.exit_code, ended.exit_code) == (0, 0), deleted.stderr + ended.stderr
        assert [each["rows"] for each in json.loads((run / manifest.NAME).read_text())["files"]] == [PER_DAY] * 6
        assert sniper("archive", "verify", "--from", f"{run}").exit_code == 0
        assert (len(files(run)), list(run.rglob("*.part"))) == (2 * DAYS, [])
        step += 1

    assert step == 7


def _copied(directory: Path, step: int) -> Path:
    shutil.copytree(directory / "kept", directory / f"{step}" / "kept")
    return directory / f"{step}"


@pytest.mark.usefixtures("_stored")
def test_what_a_trade_became_is_what_comes_back(sniper: Sniper, database_url: str) -> None:
    archived(sniper)
    moved = "UPDATE trades SET created_at = created_at + interval '1 day', fee = 7 WHERE symbol = 'D0N0USDT'"
    asyncio.run(_execute(database_url, moved))
    told = archived(sniper)["files"]
    before = everything(database_url)

    deleted = sniper("archive", "delete", "--from", "kept", "--confirm", "delete", "--json")
    left = fetch(database_url, "SELECT symbol FROM trades")
    restored = sniper("archive", "restore", "--from", "kept", "--json")

    assert [each["rows"] for each in told if each["table"] == "trades"] == [PER_DAY, PER_DAY + 1, PER_DAY]
    assert (deleted.exit_code, restored.exit_code) == (0, 0), deleted.stderr + restored.stderr
    assert left == ["NEWUSDT"]
    assert everything(database_url) == before
    for answer in (deleted, restored):
        assert sum(each["moved"] for each in json.loads(answer.stdout)["files"]) == 1


@pytest.mark.usefixtures("_stored")
def test_a_trade_that_moved_to_a_day_not_yet_archived_stays_and_is_no_failure(
    sniper: Sniper, database_url: str
) -> None:
    archived(sniper)
    asyncio.run(_execute(database_url, "UPDATE trades SET created_at = now() WHERE symbol = 'D0N0USDT'"))

    assert sniper("archive", "delete", "--from", "kept", "--confirm", "delete").exit_code == 0
    assert fetch(database_url, "SELECT symbol FROM trades ORDER BY id") == ["D0N0USDT", "NEWUSDT"]


@pytest.mark.usefixtures("_stored")
def test_files_whose_manifest_is_lost_are_not_written_over(sniper: Sniper, database_url: str, tmp_path: Path) -> None:
    archived(sniper)
    asyncio.run(_execute(database_url, "UPDATE trades SET fee = 1 WHERE symbol = 'D2N3USDT'"))
    sniper("archive", "delete", "--from", "kept", "--confirm", "delete")
    whole = files(tmp_path / "kept")
    (tmp_path / "kept" / manifest.NAME).unlink()

    refused = sniper("archive", "--older-than", "90d", "--to", "kept")

    assert refused.exit_code == 1
    assert "there is a file that no manifest names" in refused.stderr
    assert "from a copy, or move the file out of the archive" in refused.stderr
    assert files(tmp_path / "kept") == whole


@pytest.mark.usefixtures("_stored")
def test_a_damaged_file_stays_where_only_it_has_some_rows(sniper: Sniper, database_url: str, tmp_path: Path) -> None:
    archived(sniper)
    asyncio.run(_execute(database_url, "UPDATE trades SET fee = 1 WHERE symbol = 'D2N3USDT'"))
    sniper("archive", "delete", "--from", "kept", "--confirm", "delete")
    asyncio.run(_store_more(database_url, PER_DAY))
    damaged = file_of(tmp_path / "kept", "trades", 3)
    damaged.write_bytes(damaged.read_bytes()[:-9])

    refused = sniper("archive", "--older-than", "90d", "--to", "kept")
    assert (refused.exit_code, f"{damaged.name} is not what the manifest says" in refused.stderr) == (1, True)


async def _store_more(url: str, count: int) -> None:
    async with open_database(url) as database, database.engine.begin() as connection:
        for number in range(count):
            await _store_pair(connection, f"MORE{number}", AT + timedelta(days=2, minutes=30 + number))


@pytest.mark.usefixtures("_stored")
def test_a_row_under_another_id_stays_and_the_others_come_back(sniper: Sniper, database_url: str) -> None:
    archived(sniper)
    sniper("archive", "delete", "--from", "kept", "--confirm", "delete")
    asyncio.run(_store_again(database_url))

    ended = sniper("archive", "restore", "--from", "kept", "--json")

    assert (ended.exit_code, "under other ids, and stay as they are" in ended.stderr) == (1, True)
    counted = json.loads(ended.stdout)["files"]
    assert sum(each["different"] for each in counted) == 2
    assert sum(each["restored"] for each in counted) == 2 * DAYS * PER_DAY - 2
    assert fetch(database_url, "SELECT count(*) FROM trades") == [DAYS * PER_DAY + 1]


async def _store_again(url: str) -> None:
    async with open_database(url) as database, database.engine.begin() as connection:
        await _store_pair(connection, "D1N1", AT)


@pytest.mark.usefixtures("_stored")
def test_rows_of_two_schemas_in_one_file_come_back(sniper: Sniper, database_url: str, tmp_path: Path) -> None:
    archived(sniper)
    before = everything(database_url)
    sniper("archive", "delete", "--from", "kept", "--confirm", "delete")
    known = manifest.read(tmp_path / "kept")
    file = next(each for each in known.of("listings") if each.day.day == 1)
    lines = day_file.read(tmp_path / "kept", file)
    # As a schema wrote it that did not have the column `late`, which may not be NULL.
    older = re.sub(r'"late":(true|false),', "", lines[-1])
    assert older != lines[-1]
    mixed = day_file.write(tmp_path / "kept", "listings", file.day, [*lines[:-1], older], file.revision)
    manifest.write(tmp_path / "kept", known.holding(mixed))

    restored = sniper("archive", "restore", "--from", "kept")
    assert restored.exit_code == 0, restored.stderr
    assert everything(database_url) == before


@pytest.mark.usefixtures("_stored")
def test_listings_are_immutable_for_everyone_else(database_url: str) -> None:
    for statement in ("DELETE FROM listings", "UPDATE listings SET late = true", "TRUNCATE listings"):
        with pytest.raises(asyncpg.RestrictViolationError, match="rows of listings are immutable"):
            asyncio.run(_execute(database_url, statement))


@pytest.mark.usefixtures("_stored")
def test_a_role_that_may_not_is_told_what_an_administrator_runs(
    sniper: Sniper, database_url: str, postgres_server: PostgresServer
) -> None:
    archived(sniper)
    operator = f"op_{make_url(database_url).database}"
    asyncio.run(_execute(database_url, f"CREATE ROLE {operator} LOGIN PASSWORD 'op'"))
    grant = f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {operator}"
    asyncio.run(_execute(database_url, grant))
    url = make_url(database_url).set(username=operator, password="op").render_as_string(hide_password=False)
    try:
        refused = sniper("archive", "delete", "--from", "kept", "--confirm", "delete", SNIPER_DATABASE_URL=url)
        asyncio.run(_execute(database_url, refused.stderr.partition("administrator run ")[2]))
        allowed = sniper("archive", "delete", "--from", "kept", "--confirm", "delete", SNIPER_DATABASE_URL=url)
        with pytest.raises(asyncpg.RestrictViolationError):
            asyncio.run(_execute(url, "DELETE FROM listings"))
    finally:
        asyncio.run(_execute(database_url, f"DROP OWNED BY {operator}"))
        asyncio.run(_execute(database_url, f"DROP ROLE {operator}"))

    assert (refused.exit_code, allowed.exit_code) == (2, 0), allowed.stderr
    assert fetch(database_url, "SELECT count(*) FROM listings") == [1]


@pytest.mark.usefixtures("_stored")
def test_the_rights_that_migrate_gives_are_enough_for_a_member_of_the_role(
    sniper: Sniper, database_url: str, postgres_server: PostgresServer
) -> None:
    archived(sniper)
    before = everything(database_url)
    member = f"member_{make_url(database_url).database}"
    asyncio.run(_execute(database_url, roles.script()))
    asyncio.run(_execute(database_url, f"CREATE ROLE {member} LOGIN PASSWORD 'op'; GRANT {role.ROLE} TO {member}"))
    url = make_url(database_url).set(username=member, password="op").render_as_string(hide_password=False)
    try:
        deleted = sniper("archive", "delete", "--from", "kept", "--confirm", "delete", SNIPER_DATABASE_URL=url)
        left = fetch(database_url, "SELECT count(*) FROM listings")
        asyncio.run(_execute(database_url, "SELECT setval('listings_id_seq', 1)"))
        restored = sniper("archive", "restore", "--from", "kept", SNIPER_DATABASE_URL=url)
        sequence = fetch(database_url, "SELECT last_value FROM listings_id_seq")
    finally:
        asyncio.run(_execute(database_url, f"DROP OWNED BY {member}"))
        asyncio.run(_execute(database_url, f"DROP ROLE {member}"))

    assert (deleted.exit_code, restored.exit_code) == (0, 0), deleted.stderr + restored.stderr
    assert (left, sequence) == ([1], [DAYS * PER_DAY])
    assert everything(database_url) == before


PARQUET = ("--format", "parquet")


@pytest.mark.usefixtures("_stored")
def test_parquet_holds_the_same_rows_and_their_columns(sniper: Sniper, database_url: str, tmp_path: Path) -> None:
    archived(sniper, *PARQUET)
    first = files(tmp_path / "kept")
    read = {table: parquet.read_table(tmp_path / "kept" / table).sort_by("id") for table in manifest.TABLES}
    shutil.rmtree(tmp_path / "kept")
    archived(sniper)
    known = manifest.read(tmp_path / "kept")

    assert {Path(name).suffix for name in first} == {".parquet"}
    for table in manifest.TABLES:
        lines = [line for file in known.of(table) for line in day_file.read(tmp_path / "kept", file)]
        assert read[table]["row_json"].to_pylist() == lines
        assert set(read[table].column_names) == {"row_json", *metadata.tables[table].columns.keys()}
        for column, kind in (("id", "bigint"), ("symbol", "text"), ("created_at", "timestamptz")):
            query = f"SELECT {column}::{kind} FROM {table} WHERE symbol <> 'NEWUSDT' ORDER BY id"
            assert read[table][column].to_pylist() == fetch(database_url, query)
    trade = read["trades"].to_pylist()[0]
    assert (trade["base_qty"], type(trade["quote_qty"])) == ("123456789.1234567890123450", Decimal)
    assert json.loads(trade["fees"]) == {"MX": "0.10", "nested": [1, 2.5]}


@pytest.mark.usefixtures("_stored")
def test_what_was_deleted_comes_back_from_parquet(sniper: Sniper, database_url: str, tmp_path: Path) -> None:
    archived(sniper, *PARQUET)
    first = files(tmp_path / "kept")
    again = archived(sniper, *PARQUET)
    before = everything(database_url)

    deleted = sniper("archive", "delete", "--from", "kept", "--confirm", "delete")
    left = {table: len(found) for table, found in everything(database_url).items()}
    restored = sniper("archive", "restore", "--from", "kept")

    assert (deleted.exit_code, restored.exit_code) == (0, 0), deleted.stderr + restored.stderr
    assert {(each["format"], each["written"], each["verified"]) for each in again["files"]} == {("parquet", 0, PER_DAY)}
    assert files(tmp_path / "kept") == first
    assert left == {"listings": 1, "trades": 1}
    assert everything(database_url) == before


@pytest.mark.usefixtures("_stored")
def test_a_day_that_is_written_anew_changes_its_format_and_no_other_does(
    sniper: Sniper, database_url: str, tmp_path: Path
) -> None:
    archived(sniper)
    asyncio.run(_execute(database_url, "UPDATE trades SET fee = 1 WHERE symbol = 'D2N3USDT'"))
    told = archived(sniper, *PARQUET)["files"]
    before = everything(database_url)
    (tmp_path / "kept" / "trades" / "2026-03-02.00000000.parquet").write_bytes(b"of nobody")
    refused = sniper("archive", "delete", "--from", "kept", "--confirm", "delete")
    (tmp_path / "kept" / "trades" / "2026-03-02.00000000.parquet").unlink()
    deleted = sniper("archive", "delete", "--from", "kept", "--confirm", "delete")
    restored = sniper("archive", "restore", "--from", "kept")

    assert [(each["table"], each["day"]) for each in told if each["format"] == "parquet"] == [("trades", "2026-03-03")]
    assert len(files(tmp_path / "kept")) == 2 * DAYS
    assert (refused.exit_code, "there is a file that no manifest names" in refused.stderr) == (1, True)
    assert (deleted.exit_code, restored.exit_code) == (0, 0), deleted.stderr + restored.stderr
    assert everything(database_url) == before


@pytest.mark.usefixtures("_stored")
def test_without_the_extra_parquet_is_refused_and_what_is_there_stays(
    sniper: Sniper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived(sniper, *PARQUET)
    whole = files(tmp_path / "kept")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    looked = sniper("archive", "verify", "--from", "kept")
    written = sniper("archive", "--older-than", "90d", "--to", "other", *PARQUET)

    for ended in (looked, written):
        assert (ended.exit_code, ended.stderr) == (
            2,
            "files in Parquet need the extra [parquet], which is not installed here\n",
        )
    assert files(tmp_path / "kept") == whole


def test_a_manifest_of_before_there_were_formats_is_read(tmp_path: Path) -> None:
    file = {"table": "trades", "day": "2026-03-01", "rows": 1, "bytes": 9, "sha256": "0" * 64, "ids": "7"}
    told = {"version": 2, "files": [{**file, "revision": "036"}]}
    (tmp_path / manifest.NAME).write_text(json.dumps(told))

    assert [each.path for each in manifest.read(tmp_path).files] == ["trades/2026-03-01.00000000.jsonl.gz"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--older-than", "soon", "--to", "kept"), "--older-than: is a number of days or weeks like 90d or 12w"),
        (("--older-than", "0d", "--to", "kept"), "at least 1d"),
        (("--older-than", "90d"), "--to are needed"),
    ],
)
def test_an_archive_that_cannot_be_meant_is_refused(sniper: Sniper, arguments: tuple[str, ...], told: str) -> None:
    ended = sniper("archive", *arguments)

    assert ended.exit_code == 2
    assert told in ended.stderr


def test_a_directory_without_an_archive_and_one_in_use(sniper: Sniper, tmp_path: Path) -> None:
    nothing = sniper("archive", "restore", "--from", "empty")
    with writing.lock_archive(tmp_path / "kept"):
        taken = sniper("archive", "--older-than", "90d", "--to", "kept")

    assert (nothing.exit_code, "there is no archive in empty" in nothing.stderr) == (1, True)
    assert (taken.exit_code, "another run is at work in kept" in taken.stderr) == (1, True)
