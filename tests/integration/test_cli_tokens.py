"""`sniper token` and `sniper sign-in`, run in this process as `sniper` runs them."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from api.access.credentials import PATTERN, CredentialKind, parse
from cli.main import app

Sniper = Callable[..., Result]


@pytest.fixture
def sniper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Sniper:
    """Run a command in an empty directory on the database of this test."""
    monkeypatch.chdir(tmp_path)
    runner, fixed = CliRunner(), {"COLUMNS": "200", "SNIPER_DATABASE_URL": database_url}
    return lambda *arguments, **variables: runner.invoke(app, arguments, env=fixed | variables)


def fetch(url: str, query: str) -> list[tuple[Any, ...]]:
    async def ask() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_the_value_of_a_token_is_all_that_is_printed_to_be_read_by_programs(sniper: Sniper, database_url: str) -> None:
    result = sniper("token", "create", "grafana")

    value = result.stdout.removesuffix("\n")
    made = parse(value, CredentialKind.TOKEN)
    assert result.exit_code == 0
    assert made is not None
    assert result.stderr == "token grafana, scope view, until it is revoked; its value is not shown again\n"
    assert fetch(database_url, "SELECT name, scope, digest, created_by LIKE 'cli:%', expires_at FROM api_tokens") == [
        ("grafana", "view", made.digest, True, None)
    ]


def test_a_token_has_the_scope_and_the_expiry_that_it_is_given(sniper: Sniper, database_url: str) -> None:
    result = sniper("token", "create", "phone", "--scope", "operate", "--expires", "90d")

    assert result.stderr == "token phone, scope operate, for 90d; its value is not shown again\n"
    assert fetch(database_url, "SELECT scope, expires_at - created_at = interval '90 days' FROM api_tokens") == [
        ("operate", True)
    ]


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("create", "two words"), "name: up to 50 letters, digits and . _ @ -, beginning with a letter or a digit\n"),
        (("create", "local"), "name: local is kept for sign-in links of this machine\n"),
        (("create", "ops", "--expires", "soon"), "--expires: must be a time like 30m, 12h, 90d or 52w\n"),
        (("create", "ops", "--expires", "99999w"), "expiry: must be within 3650 days\n"),
        (("revoke", "ghost"), "there is no token ghost, or it is revoked already\n"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(sniper: Sniper, arguments: tuple[str, ...], refusal: str) -> None:
    result = sniper("token", *arguments)

    assert (result.exit_code, result.stderr, result.stdout) == (2, refusal, "")


def test_a_name_is_given_once_until_it_is_revoked(sniper: Sniper) -> None:
    assert sniper("token", "create", "ops").exit_code == 0
    again = sniper("token", "create", "ops")
    revoked = sniper("token", "revoke", "ops")
    anew = sniper("token", "create", "ops")

    assert (again.exit_code, again.stderr) == (2, "name: there is a token ops already, revoke it first\n")
    assert revoked.stdout == "ops is revoked, and the sessions signed in with it have ended\n"
    assert anew.exit_code == 0


def test_the_list_shows_everything_but_values(sniper: Sniper) -> None:
    values = [sniper("token", "create", name).stdout.strip() for name in ("first", "second")]
    sniper("token", "revoke", "first")
    sniper("sign-in")

    short, long = sniper("token", "list"), sniper("token", "list", "--all")
    rows = json.loads(sniper("token", "list", "--all", "--json").stdout)

    assert [line.split()[0] for line in short.stdout.splitlines() if "view" in line or "operate" in line] == [
        "second",
        "local",
    ]
    assert re.search(r"first +view +never +never +2\S+ \S+ UTC +cli:\S+ +2\S+ \S+ UTC by cli:", long.stdout)
    assert "local (links only)" in short.stdout
    assert [(row["name"], row["scope"], row["usable"]) for row in rows] == [
        ("first", "view", False),
        ("second", "view", True),
        ("local", "operate", True),
    ]
    for value in values:
        assert value.partition(".")[2] not in short.stdout + long.stdout + json.dumps(rows)


def test_an_empty_list_says_how_to_make_one(sniper: Sniper) -> None:
    assert sniper("token", "list").stdout == "no tokens: `sniper token create NAME` makes one\n"


def test_a_link_leads_to_the_api_of_this_machine_and_each_is_another(sniper: Sniper, database_url: str) -> None:
    first, second = sniper("sign-in", SNIPER_API_PORT="9000").stdout, sniper("sign-in").stdout

    assert first.startswith("http://127.0.0.1:9000/sign-in?link=snl_")
    assert second.startswith("http://127.0.0.1:8000/sign-in?link=snl_")
    assert PATTERN.fullmatch(first.partition("=")[2].strip())
    assert first[-44:] != second[-44:]
    assert fetch(database_url, "SELECT name, digest IS NULL FROM api_tokens") == [("local", True)]
    assert fetch(database_url, "SELECT expires_at - created_at = interval '10 minutes' FROM sign_in_links") == [
        (True,),
        (True,),
    ]


def test_without_a_database_it_says_where_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(app, ("token", "create", "ops"))

    assert result.exit_code == 1
    assert result.stderr.startswith("there is no data in .sniper yet: start `sniper up`")
