"""Accepted PostgreSQL URLs, and the errors of the others."""

import getpass
from typing import Final
from urllib.parse import unquote, urlsplit

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import SettingsError
from shared.postgres.postgres_url import PostgresUrl
from shared.postgres.url import driver_url, parse_url

CANARY = "c4n4ry"
TEXT: Final = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGUSER", "PGHOST", "PGPORT"):
        monkeypatch.delenv(name, raising=False)


def read(text: str) -> str:
    return driver_url(parse_url(text, variable="SNIPER_DATABASE_URL"))


def refusal(text: str) -> str:
    with pytest.raises(SettingsError) as refused:
        read(text)
    assert refused.value.__cause__ is None
    assert CANARY not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_every_spelling_of_the_scheme_that_hosting_services_hand_out_is_read(scheme: str) -> None:
    assert read(f"{scheme}://u:p@host:5433/db") == "postgresql://u:p@host:5433/db"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("postgresql://u:p@host/db\n", "postgresql://u:p@host/db"),
        (" postgresql://u@host/db \r\n", "postgresql://u@host/db"),
        ("postgresql://u:a:b@host/db", "postgresql://u:a%3Ab@host/db"),
        ("postgresql://u:%40%3A%2F%23%3F%25@host/db", "postgresql://u:%40%3A%2F%23%3F%25@host/db"),
        ("postgresql://u:p@[::1]:5433/db", "postgresql://u:p@[::1]:5433/db"),
        ("postgresql://u@%2Frun%2Fpg/db", "postgresql://u@/db?host=%2Frun%2Fpg"),
        ("postgresql://u@/db?host=/run/pg", "postgresql://u@/db?host=%2Frun%2Fpg"),
        ("postgresql:///db?user=u", "postgresql:///db?user=u"),
        ("postgresql://u@h1:5433,h2/db", "postgresql://u@/db?host=h1%3A5433%2Ch2"),
        ("postgresql://u@host", "postgresql://u@host"),
        ("postgresql://u@host/db?ssl=require", "postgresql://u@host/db?sslmode=require"),
        ("postgresql://u@host/db?ssl=true&sslmode=verify-full", "postgresql://u@host/db?sslmode=verify-full"),
    ],
)
def test_what_is_meant_is_read(written: str, meant: str) -> None:
    assert read(written) == meant
    assert read(meant) == meant


@pytest.mark.parametrize(
    ("url", "part"),
    [
        (f"postgresql://u:{CANARY}@x@host/db", "more than one @"),
        (f"postgresql://u:{CANARY}/x@host/db", "an @ behind the host"),
        (f"postgresql://u:{CANARY}?x@host/db", "an @ behind the host"),
        (f"postgresql://u:{CANARY}#x@host/db", "a # that is not percent-encoded"),
        (f"postgresql://u:1{CANARY}@host:54x/db", "a port that is no number"),
        (f"postgresql://host:{CANARY}/db", "a port that is no number"),
        (f"postgresql://u:{CANARY}@:5432/db", "names no host"),
        (f"postgresql://u:{CANARY}@h1,,h2/db", "names no host"),
        (f"postgresql://u:{CANARY}@ho st/db", "a host that none can have"),
        (f"postgresql://u:{CANARY}@[::1/db", "a host that none can have"),
        (f"postgresql://u:{CANARY}@host/db/more", "more than a database"),
    ],
)
def test_a_url_that_cannot_be_meant_is_named_by_its_part_and_how_to_write_it(url: str, part: str) -> None:
    said = refusal(url)

    assert said.startswith("SNIPER_DATABASE_URL: ")
    assert part in said
    assert "@ is written %40" in said


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"postgresql://u:{CANARY}@host:0/db", "the port must be from 1 to 65535"),
        (f"postgresql://u:{CANARY}@host:99999/db", "the port must be from 1 to 65535"),
        (f"postgresql://u:{CANARY}\n@host/db", "holds a line break"),
        (f"postgresql://u:{CANARY}@host/db?sslmode", "a parameter that is not NAME=VALUE"),
        (f"mysql://u:{CANARY}@host/db", "must start with postgres://"),
        (CANARY, "must start with postgres://"),
    ],
)
def test_other_urls_that_cannot_be_meant_are_named(url: str, words: str) -> None:
    assert words in refusal(url)


@pytest.mark.parametrize(
    "parameters",
    [
        "channel_binding=prefer",
        "gssencmode=disable",
        "client_encoding=UTF8",
        "schema=public",
        "pgbouncer=false",
        "fallback_application_name=x",
        "sslsni=1",
        "connect_timeout=5",
        "application_name=mine",
    ],
)
def test_what_is_done_anyway_or_by_us_does_not_reach_the_server(parameters: str) -> None:
    assert read(f"postgresql://u@host/db?{parameters}") == "postgresql://u@host/db"


@pytest.mark.parametrize(
    "parameters",
    [
        "sslmode=verify-full&sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem",
        "target_session_attrs=read-write",
        "options=-c search_path=x",
        "passfile=/pgpass",
        "host=h1,h2&port=1,2",
        "krbsrvname=pg",
    ],
)
def test_what_the_driver_understands_reaches_it(parameters: str) -> None:
    url = parse_url(f"postgresql://u@/db?{parameters}", variable="x")

    assert dict(url.query) == dict(pair.split("=", 1) for pair in parameters.split("&"))


@pytest.mark.parametrize(
    ("parameter_", "advice"),
    [
        ("channel_binding=require", "sslmode=verify-full"),
        ("pgbouncer=true", "a pooler in transaction mode cannot be used"),
        ("connection_limit=1", "SNIPER_DATABASE_POOL_SIZE"),
        ("pool_timeout=10", "leave it out"),
        ("schema=other", "search_path"),
        ("hostaddr=10.0.0.1", "write the address as the host"),
        ("keepalives_idle=30", "leave it out"),
        ("require_auth=scram-sha-256", "leave it out"),
        ("sslcrldir=/crl", "leave it out"),
        ("client_encoding=latin1", "UTF-8"),
        ("gssencmode=require", "leave it out"),
        ("statement_cache_size=0", "prepared"),
    ],
)
def test_a_parameter_that_is_not_supported_is_named_with_what_to_do(parameter_: str, advice: str) -> None:
    said = refusal(f"postgresql://u:{CANARY}@host/db?{parameter_}")

    assert f"the parameter {parameter_.partition('=')[0]} is not supported" in said
    assert advice in said


@pytest.mark.parametrize(
    ("parameter_", "words"),
    [
        (f"statement_timeout={CANARY}", "libpq knows no parameter statement_timeout"),
        (f"password=a&{CANARY}=b", "libpq knows no parameter:"),
        (f"sslmode={CANARY}", "sslmode must be one of allow, disable, prefer, require, verify-ca, verify-full"),
        (f"target_session_attrs={CANARY}", "target_session_attrs must be one of any, "),
        (f"connect_timeout={CANARY}", "connect_timeout must be a number of seconds"),
    ],
)
def test_a_parameter_that_cannot_be_meant_is_named(parameter_: str, words: str) -> None:
    assert words in refusal(f"postgresql://u@host/db?{parameter_}")


def test_what_we_carry_out_ourselves_is_kept_for_us() -> None:
    url = parse_url("postgresql://u@host/db?connect_timeout=7&application_name=mine", variable="x")

    assert (url.query["connect_timeout"], url.query["application_name"]) == ("7", "mine")


def test_a_url_without_a_user_under_a_uid_without_a_name_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(getpass, "getuser", nobody)

    assert "names no user, and this process's own (UID " in refusal("postgresql://host/db")
    assert read("postgresql://host/db?user=u") == "postgresql://host/db?user=u"
    monkeypatch.setenv("PGUSER", "somebody")
    assert read("postgresql://host/db") == "postgresql://host/db"


async def test_the_driver_reads_several_hosts_as_they_are_written() -> None:
    with pytest.raises(OSError, match=r"127\.0\.0\.1") as refused:
        await asyncpg.connect(read("postgresql://u@127.0.0.1:1,127.0.0.1:2/db"), timeout=5)

    assert "'127.0.0.1', 2" in str(refused.value) or "'127.0.0.1', 1" in str(refused.value)


def test_a_url_shows_no_secret_of_its_own() -> None:
    url = parse_url(f"postgresql://u:{CANARY}@host/db?sslpassword={CANARY}", variable="SNIPER_DATABASE_URL")

    assert CANARY not in f"{url!r} {url}"
    assert "host" in repr(url)


@given(parts=st.builds(PostgresUrl, TEXT, TEXT, st.just("host"), st.none() | st.integers(1, 65535), TEXT))
def test_any_user_password_and_database_come_back_as_they_were_written(parts: PostgresUrl) -> None:
    assert parse_url(parts.render(), variable="SNIPER_DATABASE_URL") == parts
    user, password, database = (asyncpg_part(parts.render(), name) for name in ("username", "password", "path"))
    assert (user, password, database) == (parts.username, parts.password, f"/{parts.database}")


def asyncpg_part(url: str, name: str) -> str:
    """Return a part of *url* as the driver reads it."""
    return unquote(getattr(urlsplit(url), name))
