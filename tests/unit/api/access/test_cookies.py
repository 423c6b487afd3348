from typing import Any

import pytest
from starlette.datastructures import Headers

from api.access import cookies
from api.access.origins import Origins

ORIGINS = Origins(frozenset({"localhost"}), "https://sniper.example.com")


def scope(scheme: str, port: int) -> dict[str, Any]:
    return {"type": "http", "scheme": scheme, "server": ("127.0.0.1", port)}


@pytest.mark.parametrize(
    ("scheme", "host", "name"),
    [
        ("http", "localhost:8000", "sniper_session_8000"),
        ("https", "localhost:8000", "__Host-sniper_session"),
        ("http", "sniper.example.com", "__Host-sniper_session"),
    ],
)
def test_name_keeps_servers_of_one_host_apart_and_is_bound_to_the_host_over_tls(
    scheme: str, host: str, name: str
) -> None:
    assert cookies.name_of(scope(scheme, 8000), Headers({"host": host}), ORIGINS) == name


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("a=1; b=2", "1"),
        ("b=2;a=1", "1"),
        ("a=1; a=1", "1"),
        ("b=2", None),
        ("", None),
        ("aa=1", None),
        ("a=1; a=2", ""),
        ("a=", ""),
    ],
)
def test_value_of_a_cookie_is_believed_only_where_there_is_one(sent: str, value: str | None) -> None:
    assert cookies.value_in(Headers({"cookie": sent}), "a") == value


def test_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    plain = cookies.setting("sniper_session_8000", "v", max_age_seconds=60)
    secure = cookies.setting(cookies.SECURE_NAME, "v", max_age_seconds=60)

    assert plain == "sniper_session_8000=v; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
    assert secure == "__Host-sniper_session=v; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
